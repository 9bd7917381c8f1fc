"""DescribeQuorum's answer, as a broker of Kafka 4.3 gave it in form."""

from __future__ import annotations

import struct

import pytest
from cdc_pipeline.verify.checks.kafka import judge_quorum
from cdc_pipeline.verify.quorum import parse_quorum


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
