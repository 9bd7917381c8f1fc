"""State of the KRaft quorum by Kafka's DescribeQuorum request (KIP-595), which librdkafka does not offer.

The response is that of version 0; all lengths are compact (KIP-482).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cdc_pipeline.clients.kafka_wire import NO_TAGS, Reader, ask
from cdc_pipeline.endpoints import KafkaEndpoint

_DESCRIBE_QUORUM = 55
_TOPIC = b"__cluster_metadata"


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
        ValueError: it answers with an error, or wants a login that is not spoken here.
    """
    problem = OSError("no broker is available")
    for server in where.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            return _ask(where, host, int(port), seconds)
        except OSError as error:
            problem = error
    raise problem


def _ask(where: KafkaEndpoint, host: str, port: int, seconds: float) -> Quorum:
    body = b"\x02" + bytes([len(_TOPIC) + 1]) + _TOPIC + b"\x02" + struct.pack(">i", 0) + NO_TAGS * 3
    return _read(ask(where, host, port, _DESCRIBE_QUORUM, 0, body, seconds))


def parse_quorum(data: bytes) -> Quorum:
    """The response without its length.

    Raises:
        ValueError: it holds an error, or is cut short.
    """
    return _read(Reader.of_answer(data))


def _read(reader: Reader) -> Quorum:
    _refuse(reader.number("h"))
    if reader.length() < 1:
        raise ValueError("the cluster has no metadata topic")
    reader.text()
    reader.length()  # one partition
    reader.number("i")
    _refuse(reader.number("h"))
    leader, epoch, high_watermark = reader.number("i"), reader.number("i"), reader.number("q")
    voters = {}
    for _ in range(reader.length()):
        voter = reader.number("i")
        voters[voter] = reader.number("q")
        reader.tags()
    return Quorum(leader, epoch, high_watermark, voters)


def _refuse(code: int) -> None:
    if code:
        raise ValueError(f"the broker answers DescribeQuorum with error code {code}")
