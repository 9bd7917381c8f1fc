"""DescribeQuorum's answer, as a broker of Kafka 4.3 gave it in form."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.verify.checks.kafka import judge_quorum
from cdc_pipeline.verify.quorum import describe_quorum, parse_quorum


def answer(leader: int, voters: dict[int, int], error: int = 0) -> bytes:
    entries = b"".join(struct.pack(">iq", voter, end) + b"\0" for voter, end in voters.items())
    partition = struct.pack(">ihiiq", 0, error, leader, 5, 100) + bytes([len(voters) + 1]) + entries + b"\x01\0"
    topic = bytes([19]) + b"__cluster_metadata" + b"\x02" + partition + b"\0"
    return struct.pack(">i", 1) + b"\0" + struct.pack(">h", 0) + b"\x02" + topic + b"\0"


def test_voters_and_their_lag_are_read() -> None:
    quorum = parse_quorum(answer(2, {1: 90, 2: 100, 3: 100}))
    assert (quorum.leader, quorum.epoch, quorum.voters) == (2, 5, {1: 90, 2: 100, 3: 100})
    assert quorum.lag == 10
    assert judge_quorum(quorum, 3).ok


@pytest.mark.parametrize("voters", [{1: 0, 2: 1000, 3: 1000}, {2: 10, 3: 10}])
def test_a_lagging_or_missing_voter_is_no_quorum(voters: dict[int, int]) -> None:
    assert not judge_quorum(parse_quorum(answer(2, voters)), 3).ok


def test_errors_and_cut_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="error code 41"):
        parse_quorum(answer(2, {1: 1}, error=41))
    with pytest.raises(ValueError, match="cut short"):
        parse_quorum(answer(2, {1: 1, 2: 1})[:-8])


def test_another_broker_is_asked_where_one_says_nothing() -> None:
    body = answer(2, {1: 90, 2: 100, 3: 100})

    def serve() -> None:
        connection, _address = broker.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(struct.pack(">i", len(body)) + body)

    # The first takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as broker:
        servers = [f"127.0.0.1:{each.getsockname()[1]}" for each in (silent, broker)]
        threading.Thread(target=serve, daemon=True).start()
        assert describe_quorum(KafkaEndpoint(",".join(servers)), 0.3).leader == 2
        with pytest.raises(OSError, match="timed out"):
            describe_quorum(KafkaEndpoint(servers[0]), 0.3)
