"""Tries what a user may do in Kafka, by requests that change nothing whether they are allowed or not.

Brokers look at rights before anything else, so an answer that is another error shows that the action is allowed.
Requests of flexible versions alone (KIP-482), which go to any broker.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from cdc_pipeline.clients.kafka_wire import NO_TAGS, Reader, ask
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.instance.expected import Attempt

_REFUSED = frozenset({29, 30, 31, 53})
"""TOPIC_, GROUP_, CLUSTER_ and TRANSACTIONAL_ID_AUTHORIZATION_FAILED."""
_PRODUCE, _FETCH, _METADATA, _FIND_COORDINATOR, _INIT_PRODUCER_ID = 0, 1, 3, 10, 22
_GROUP, _TRANSACTION = 0, 1
_TIMEOUT_MS = 1000


def allowed(where: KafkaEndpoint, resource_type: str, attempt: Attempt, seconds: float = 10.0) -> bool:
    """Whether the user of ``where`` may do it.

    Raises:
        OSError: no broker can be reached, or the login is refused.
        ValueError: the attempt is none of those that are known, or the answer is cut short.
    """
    try:
        key, version, body, code_of = _requests()[resource_type, attempt.action](attempt.name)
    except KeyError:
        raise ValueError(f"it is not known how to try {attempt.action} on {resource_type}") from None
    problem = OSError("no broker is available")
    for server in where.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            return code_of(ask(where, host, int(port), key, version, body, seconds)) not in _REFUSED
        except PermissionError:
            raise
        except OSError as error:
            problem = error
    raise problem


Request = tuple[int, int, bytes, Callable[[Reader], int]]


def _requests() -> dict[tuple[str, str], Callable[[str], Request]]:
    return {
        ("topic", "read"): _fetch,
        ("topic", "write"): _produce,
        ("topic", "describe"): _describe_topic,
        ("group", "describe"): lambda name: _find_coordinator(name, _GROUP),
        ("transactional_id", "describe"): lambda name: _find_coordinator(name, _TRANSACTION),
        ("transactional_id", "write"): _init_producer_id,
    }


def _text(value: str) -> bytes:
    """A compact string."""
    data = value.encode()
    return _length(len(data)) + data


def _length(size: int) -> bytes:
    """Of a compact string or array."""
    number, out = size + 1, bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _fetch(name: str) -> Request:
    """Version 12 from offset 0, of one byte at most."""
    partition = struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 1) + NO_TAGS
    topic = _text(name) + _length(1) + partition + NO_TAGS
    head = struct.pack(">iiiibii", -1, 0, 0, 1, 1, 0, -1)
    return _FETCH, 12, head + _length(1) + topic + _length(0) + _text("") + NO_TAGS, _fetched


def _fetched(reader: Reader) -> int:
    reader.number("i")
    if code := reader.number("h"):
        return code
    reader.number("i")
    reader.length()
    reader.text()
    reader.length()
    reader.number("i")
    return reader.number("h")


def _produce(name: str) -> Request:
    """Version 9 of a batch whose checksum is wrong, so that no broker writes it."""
    records = bytes([12, 0, 0, 0, 1, 0, 0])
    after_checksum = struct.pack(">hiqqqhii", 0, 0, 0, 0, -1, -1, -1, 1) + records
    batch = struct.pack(">qiibI", 0, 9 + len(after_checksum), -1, 2, 0) + after_checksum
    partition = struct.pack(">i", 0) + _length(len(batch)) + batch + NO_TAGS
    topic = _text(name) + _length(1) + partition + NO_TAGS
    no_transaction = b"\0"
    body = no_transaction + struct.pack(">hi", -1, _TIMEOUT_MS) + _length(1) + topic + NO_TAGS
    return _PRODUCE, 9, body, _produced


def _produced(reader: Reader) -> int:
    reader.length()
    reader.text()
    reader.length()
    reader.number("i")
    return reader.number("h")


def _describe_topic(name: str) -> Request:
    """Version 9 of Metadata, which makes no topic."""
    return _METADATA, 9, _length(1) + _text(name) + NO_TAGS + bytes(3) + NO_TAGS, _described


def _described(reader: Reader) -> int:
    reader.number("i")
    for _ in range(reader.length()):
        reader.number("i")
        reader.text()
        reader.number("i")
        reader.text()
        reader.tags()
    reader.text()
    reader.number("i")
    reader.length()
    return reader.number("h")


def _find_coordinator(name: str, kind: int) -> Request:
    return _FIND_COORDINATOR, 3, _text(name) + bytes([kind]) + NO_TAGS, _after_throttle


def _init_producer_id(name: str) -> Request:
    """Version 2. The transactional id is one that nobody else uses; Kafka forgets it after a week."""
    return _INIT_PRODUCER_ID, 2, _text(name) + struct.pack(">i", _TIMEOUT_MS) + NO_TAGS, _after_throttle


def _after_throttle(reader: Reader) -> int:
    reader.number("i")
    return reader.number("h")
