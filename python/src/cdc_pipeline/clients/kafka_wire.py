"""Single requests to one broker, for what librdkafka does not offer. Flexible versions alone (KIP-482)."""

from __future__ import annotations

import struct

from cdc_pipeline.clients import kafka
from cdc_pipeline.clients.scram import exactly
from cdc_pipeline.endpoints import KafkaEndpoint

NO_TAGS = b"\0"


def ask(where: KafkaEndpoint, host: str, port: int, key: int, version: int, body: bytes, seconds: float) -> Reader:
    """The answer of one broker, after its header.

    Raises:
        OSError: it cannot be reached or closes the connection.
        ValueError: it wants a login that is not spoken here, or its answer is cut short.
    """
    client = b"cdc"
    request = struct.pack(">hhih", key, version, 1, len(client)) + client + NO_TAGS + body
    with kafka.connect(where, host, port, seconds) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", exactly(connection, 4))
        return Reader.of_answer(exactly(connection, size))


class Reader:
    """Takes values off an answer, one after the other. Each raises `ValueError` where the answer is cut short."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @classmethod
    def of_answer(cls, data: bytes) -> Reader:
        """After the header: a correlation id and tags."""
        reader = cls(data)
        reader.number("i")
        reader.tags()
        return reader

    def number(self, form: str) -> int:
        """By the letter of `struct`."""
        (value,) = struct.unpack(">" + form, self.take(struct.calcsize(form)))
        return int(value)

    def varint(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length(self) -> int:
        """Of a compact array or string; 0 where it is null."""
        return max(0, self.varint() - 1)

    def text(self) -> str:
        return self.take(self.length()).decode()

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise ValueError(f"the broker's answer is cut short: {len(self.data)} bytes")
        self.at += size
        return found

    def tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())
