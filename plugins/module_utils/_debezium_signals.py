# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Debezium's signal topic: which snapshots were asked for, and asking for more.

The topic keeps every signal, so it is the record of what was asked. What the connector's initial snapshot covers, and
which tables are no longer captured, stands there by signals of type `log`, which Debezium only prints.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._errors import DeadlineError, FailedError, MissingLibraryError
from ._wait import Deadline

try:
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

    IMPORT_ERROR = None
except ImportError:
    import traceback

    IMPORT_ERROR = traceback.format_exc()

INITIAL = "cdc.pipeline initial snapshot"
RELEASED = "cdc.pipeline no longer captured"


def covered(signals: Iterable[Mapping[str, Any]]) -> set[str] | None:
    """Tables of which a snapshot was asked for since they are captured; None when nothing was ever noted."""
    found: set[str] = set()
    noted = False
    for signal in signals:
        kind, data = signal.get("type"), signal.get("data") or {}
        if kind == "execute-snapshot":
            noted = True
            found.update(data.get("data-collections") or ())
        elif kind == "log" and data.get("message") == INITIAL:
            noted = True
            found.update(data.get("tables") or ())
        elif kind == "log" and data.get("message") == RELEASED:
            found.difference_update(data.get("tables") or ())
    return found if noted else None


def note_for(tables: Sequence[str], known: set[str] | None) -> dict[str, Any] | None:
    """What to note before the connector captures `tables`: those of the first run, or those that it lets go.

    A table that comes back later has missed changes, and so is no longer covered.

    :param known: what :func:`covered` gave.
    """
    if known is None:
        return {"type": "log", "data": {"message": INITIAL, "tables": list(tables)}}
    released = sorted(known - set(tables))
    return {"type": "log", "data": {"message": RELEASED, "tables": released}} if released else None


def request_for(tables: Sequence[str], known: set[str] | None) -> dict[str, Any] | None:
    """The signal that brings every captured table under a snapshot, or None when all are.

    :param known: what :func:`covered` gave; None counts every table to the initial snapshot.
    """
    missing = [] if known is None else [table for table in tables if table not in known]
    if not missing:
        return None
    return {"type": "execute-snapshot", "data": {"type": "INCREMENTAL", "data-collections": missing}}


class SignalTopic:
    """The topic on a real cluster.

    :param client_config: librdkafka settings beside the bootstrap servers.
    """

    def __init__(
        self, bootstrap_servers: str, topic: str, server: str, client_config: Mapping[str, Any], deadline: Deadline
    ) -> None:
        if IMPORT_ERROR:
            raise MissingLibraryError("confluent-kafka", IMPORT_ERROR)
        self._config = {"bootstrap.servers": bootstrap_servers, "log_level": 0, **client_config}
        self._topic = topic
        self._server = server
        self._deadline = deadline

    def read(self) -> list[dict[str, Any]]:
        """Every signal of this server.

        :raises DeadlineError: when the cluster does not give them in time.
        """
        consumer = Consumer({**self._config, "group.id": f"cdc-pipeline-{uuid.uuid4()}", "enable.auto.commit": False})
        partition = TopicPartition(self._topic, 0, 0)
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=max(1.0, self._deadline.remaining))
            partition.offset = low
            consumer.assign([partition])
            signals: list[dict[str, Any]] = []
            position = low
            while position < high:
                message = consumer.poll(min(1.0, self._deadline.remaining))
                if message is None:
                    if self._deadline.expired:
                        raise DeadlineError("The signals could not be read in time", where=f"topic {self._topic}")
                    continue
                if message.error():
                    raise FailedError(
                        "The signals could not be read", where=f"topic {self._topic}", why=message.error().str()
                    )
                position = message.offset() + 1
                if (message.key() or b"").decode() == self._server:
                    signals.append(json.loads(message.value()))
            return signals
        except KafkaException as error:
            raise FailedError(
                "The signal topic could not be read",
                where=f"topic {self._topic}",
                why=str(error.args[0]),
                remedy="Have the topic first, with one partition and unlimited retention.",
            ) from error
        finally:
            consumer.close()

    def send(self, signal: Mapping[str, Any]) -> None:
        """Append one signal, acknowledged by every in-sync replica."""
        errors: list[Any] = []
        producer = Producer({**self._config, "acks": "all", "enable.idempotence": True})
        producer.produce(
            self._topic,
            key=self._server,
            value=json.dumps({"id": str(uuid.uuid4()), **signal}),
            on_delivery=lambda error, _message: errors.append(error),
        )
        producer.flush(self._deadline.remaining)
        if errors != [None]:
            why = str(errors[0]) if errors else "not acknowledged in time"
            raise FailedError("The signal could not be sent", where=f"topic {self._topic}", why=why)
