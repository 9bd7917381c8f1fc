"""State of the KRaft quorum by Kafka's DescribeQuorum request (KIP-595), which librdkafka does not offer.

The response is that of version 0; all lengths are compact (KIP-482).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import KafkaEndpoint

_DESCRIBE_QUORUM = 55
_TOPIC = b"__cluster_metadata"
_NO_TAGS = b"\0"


@dataclass(frozen=True)
class Quorum:
    """``voters``: log end offset of each voter by its id; the leader's is the newest."""

    leader: int
    epoch: int
    high_watermark: int
    voters: dict[int, int]

    @property
    def lag(self) -> int:
        """Records that the slowest voter is behind the leader."""
        return self.voters.get(self.leader, 0) - min(self.voters.values()) if self.voters else 0


def describe_quorum(where: KafkaEndpoint, seconds: float = 5.0) -> Quorum:
    """Asks the first broker that answers, which forwards to the active controller.

    Raises:
        OSError: none does.
        ValueError: it answers with an error, or wants SASL.
    """
    problem = OSError("there is no broker to ask")
    for server in where.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            return _ask(where, host, int(port), seconds)
        except OSError as error:
            problem = error
    raise problem


def _ask(where: KafkaEndpoint, host: str, port: int, seconds: float) -> Quorum:
    body = b"\x02" + bytes([len(_TOPIC) + 1]) + _TOPIC + b"\x02" + struct.pack(">i", 0) + _NO_TAGS * 3
    client = b"cdc-verify"
    header = struct.pack(">hhih", _DESCRIBE_QUORUM, 0, 1, len(client)) + client + _NO_TAGS
    request = header + body
    with kafka.connect(where, host, port, seconds) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _exactly(connection, 4))
        return parse_quorum(_exactly(connection, size))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the broker closed the connection; does it want TLS or SASL?")
        data += chunk
    return bytes(data)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def skip(self, size: int) -> None:
        self.at += size

    def tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.skip(self.varint())


def parse_quorum(data: bytes) -> Quorum:
    """The response without its length.

    Raises:
        ValueError: it holds an error, or is cut short.
    """
    reader = _Reader(data)
    try:
        reader.number("i")  # correlation id
        reader.tags()
        _refuse(reader.number("h"))
        if reader.varint() - 1 < 1:
            raise ValueError("the cluster has no metadata topic")
        reader.skip(reader.varint() - 1)
        reader.varint()  # one partition
        reader.number("i")
        _refuse(reader.number("h"))
        leader, epoch, high_watermark = reader.number("i"), reader.number("i"), reader.number("q")
        voters = {}
        for _ in range(reader.varint() - 1):
            voter = reader.number("i")
            voters[voter] = reader.number("q")
            reader.tags()
    except (struct.error, IndexError) as error:
        raise ValueError(f"the broker's answer is cut short: {error}") from None
    return Quorum(leader, epoch, high_watermark, voters)


def _refuse(code: int) -> None:
    if code:
        raise ValueError(f"the broker answers DescribeQuorum with error code {code}")
