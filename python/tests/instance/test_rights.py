"""Requests that try rights, against brokers that answer with a code."""

from __future__ import annotations

import socket
import struct

import pytest
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.instance.expected import Attempt, Proof
from cdc_pipeline.instance.rights import allowed
from cdc_pipeline.verify.checks.kafka import judge_right
from clients.tls_servers import exactly, serving

OTHER, TOPIC, GROUP, TRANSACTION = 2, 29, 30, 53
HEAD = struct.pack(">i", 1) + b"\0"
NAMED = b"\2" + b"\2t" + b"\2" + struct.pack(">i", 0)


def answers(code: int) -> dict[int, bytes]:
    """The beginning of an answer with this error code, by the request's key."""
    error = struct.pack(">h", code)
    no_brokers = struct.pack(">i", 0) + b"\1" + b"\2c" + struct.pack(">i", 1)
    return {
        0: NAMED + error,
        1: struct.pack(">ihi", 0, 0, 0) + NAMED + error,
        3: no_brokers + b"\2" + error,
        10: struct.pack(">i", 0) + error,
        22: struct.pack(">i", 0) + error,
    }


def broker(code: int):
    def serve(connection: socket.socket) -> None:
        (size,) = struct.unpack(">i", exactly(connection, 4))
        (key,) = struct.unpack(">h", exactly(connection, size)[:2])
        answer = HEAD + answers(code)[key]
        connection.sendall(struct.pack(">i", len(answer)) + answer)

    return serve


@pytest.mark.parametrize(
    ("resource_type", "action", "code"),
    [
        ("topic", "read", TOPIC),
        ("topic", "write", TOPIC),
        ("topic", "describe", TOPIC),
        ("group", "describe", GROUP),
        ("transactional_id", "describe", TRANSACTION),
        ("transactional_id", "write", TRANSACTION),
    ],
)
def test_a_refusal_is_known_from_every_other_answer(resource_type: str, action: str, code: int) -> None:
    for given, expected in ((code, False), (OTHER, True), (0, True)):
        with serving(broker(given)) as port:
            where = KafkaEndpoint(f"127.0.0.1:9,127.0.0.1:{port}")
            assert allowed(where, resource_type, Attempt(action, "t"), 5.0) == expected


def test_an_action_that_cannot_be_tried_is_named() -> None:
    with pytest.raises(ValueError, match="how to try dance on topic"):
        allowed(KafkaEndpoint("127.0.0.1:9"), "topic", Attempt("dance", "t"))


@pytest.mark.parametrize("found", [(True, False), (False, False), (True, True)])
def test_a_right_holds_when_one_is_allowed_and_the_other_refused(found: tuple[bool, bool]) -> None:
    proof = Proof("User:reader", "topic", Attempt("read", "t"), Attempt("write", "t"))
    finding = judge_right(proof, found)
    assert finding.ok == (found == (True, False))
    assert finding.id == "kafka.right.reader.topic.read.t"
