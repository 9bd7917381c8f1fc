"""Decodes CDC events as any client of the registry would, apart from the archive's own decoder."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import fastavro
from confluent_kafka import Message

from cdc_pipeline.instance.context import Context

_FRAME = 5


@dataclass(frozen=True)
class Event:
    """A change as it lies in Kafka. ``time``: the record's timestamp, milliseconds."""

    topic: str
    partition: int
    offset: int
    time: int
    value: dict[str, Any]

    @property
    def operation(self) -> str:
        return str(self.value.get("__op"))


class Decoder:
    """Reads Confluent's framing with the schemas of the registry."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._schemas: dict[int, Any] = {}

    def event(self, message: Message) -> Event | None:
        """The change, or None for a record without a value.

        Raises:
            ValueError: the value is not framed.
        """
        data = message.value()
        if data is None:
            return None
        if len(data) < _FRAME or data[0] != 0:
            raise ValueError(f"{message.topic()}-{message.partition()}@{message.offset()} is not framed Avro")
        schema = self._schema(int.from_bytes(data[1:_FRAME], "big"))
        value = fastavro.schemaless_reader(io.BytesIO(data[_FRAME:]), schema, None)
        return Event(message.topic(), message.partition(), message.offset(), message.timestamp()[1], dict(value))

    def _schema(self, number: int) -> Any:
        if number not in self._schemas:
            answer = self._context.schema_registry.get(f"/schemas/ids/{number}").raise_for_status()
            self._schemas[number] = fastavro.parse_schema(json.loads(answer.json()["schema"]))
        return self._schemas[number]
