"""The canary: a logical message that is committed in PostgreSQL every few seconds and awaited in Kafka.

It needs no table and no right: everybody who may connect may emit one (pg_logical_emit_message). It leaves the way that
rows take at one point alone, which is that its topic is not archived.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_AWAITED = 1000


@dataclass(frozen=True)
class Commit:
    """``monotonic``: when it was committed, for durations. ``wall``: the same since the epoch."""

    monotonic: float
    wall: float


class Awaited:
    """What was sent and has not come yet. Threads may share it.

    Args:
        who: tells the canaries of this process from those of others.
    """

    def __init__(
        self, who: str, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._who, self._monotonic, self._wall = who, monotonic, wall
        self._lock = threading.Lock()
        self._number = 0
        # None: it is being committed.
        self._sent: OrderedDict[int, Commit | None] = OrderedDict()

    def next(self) -> tuple[int, str]:
        """The number and the content of the next message, which is awaited from now on."""
        with self._lock:
            self._number += 1
            self._sent[self._number] = None
            while len(self._sent) > _MOST_AWAITED:
                self._sent.popitem(last=False)
            return self._number, json.dumps({"who": self._who, "number": self._number})

    def committed(self, number: int) -> None:
        """The message is committed."""
        with self._lock:
            if number in self._sent:
                self._sent[number] = Commit(self._monotonic(), self._wall())

    def dropped(self, number: int) -> None:
        """The message was not committed, or it is not known whether it was."""
        with self._lock:
            self._sent.pop(number, None)

    def seen(self, value: bytes | None) -> tuple[float, float] | None:
        """Seconds from its commit to now, and when it was committed, of a message of ours; None of any other record.

        Args:
            value: of a record of the topic. The content stands in it as it is, after what a converter writes.
        """
        number = self._number_of(value or b"")
        with self._lock:
            if number not in self._sent:
                return None
            # Kafka may have it before PostgreSQL's answer has come.
            commit = self._sent.pop(number) or Commit(self._monotonic(), self._wall())
            return max(0.0, self._monotonic() - commit.monotonic), commit.wall

    def _number_of(self, value: bytes) -> int:
        begin = value.find(b"{")
        try:
            found = json.loads(value[begin:]) if begin >= 0 else {}
            return int(found["number"]) if found.get("who") == self._who else 0
        except (ValueError, KeyError, TypeError, AttributeError):
            return 0

    def overdue(self, seconds: float) -> int:
        """How many were committed longer ago than this and have not come."""
        with self._lock:
            now = self._monotonic()
            return sum(1 for each in self._sent.values() if each is not None and now - each.monotonic > seconds)
