# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Says now and then that a long step still runs, and how long steps took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .spent import Part, Spent, processor_seconds, spent, table

_LATER = 30.0
_NOTHING = Part()


class Pace:
    """Times steps; one at a time.

    :param say: prints a line.
    :param first: seconds after which a running step is mentioned; then after three times that, and later each half a
        minute.
    :param worked: processor seconds so far, see :func:`processor_seconds`.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        first: float = 5,
        clock: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = processor_seconds,
    ) -> None:
        self._say = say
        self._first = first
        self._clock = clock
        self._worked = worked
        self._started = clock()
        self._took: dict[str, float] = {}
        self._spent: dict[Part, Spent] = {}
        self._part = _NOTHING
        self._worked_before = worked()
        self._step: tuple[str, float] | None = None
        self._due = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to mention long steps. The thread never keeps the process alive."""
        self._thread = threading.Thread(target=self._run, name="cdc-guide", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.step("")
        self._ended.set()
        if self._thread:
            self._thread.join(timeout=2)

    def step(self, name: str, part: Part = _NOTHING) -> None:
        """The step that runs from now on, and what it belongs to; "" for none."""
        now, worked = self._clock(), self._worked()
        with self._lock:
            if self._step:
                old, since = self._step
                self._took[old] = self._took.get(old, 0.0) + now - since
                step = spent(now - since, worked - self._worked_before)
                self._spent[self._part] = self._spent.get(self._part, Spent()) + step
            self._part, self._worked_before = part, worked
            self._step = (name, now) if name else None
            self._due = now + self._first

    def tick(self) -> None:
        """Mention the running step if it is time."""
        now = self._clock()
        with self._lock:
            if not self._step or now < self._due:
                return
            name, since = self._step
            self._due = since + self._first * 3 if now - since < self._first * 3 else now + _LATER
        self._say(f"running: {name} ({duration(now - since)})")

    def summary(self, most: int = 3) -> str:
        """One line: the whole time and the slowest steps."""
        slowest = sorted(self._took.items(), key=lambda item: -item[1])[:most]
        parts = [f"{name} {duration(seconds)}" for name, seconds in slowest if seconds >= 1]
        total = f"took {duration(self._clock() - self._started)}"
        return f"{total}; longest: {', '.join(parts)}" if parts else total

    def table(self) -> str:
        """Some lines: the largest parts of the whole time, and how much of each was waiting."""
        return "\n".join(table(self._spent, self.total))

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._started

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            self.tick()


def duration(seconds: float) -> str:
    """`25 s`, `1 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
