"""Kafka clients by librdkafka, and connections for requests that it does not offer."""

from __future__ import annotations

import json
import logging
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from cdc_pipeline.clients import scram
from cdc_pipeline.clients.trust import tls_context
from cdc_pipeline.endpoints import KafkaEndpoint

Settings = Mapping[str, Any]
_NONE: Settings = {}
LARGEST = 512 << 20
"""Bytes of a response, or of a record that is sent. Topics and brokers have limits; a client's own is only not to be
below them. What is larger than `fetch.max.bytes` comes alone, since brokers always return at least one batch."""


def config(where: KafkaEndpoint, fixed: Settings = _NONE, defaults: Settings = _NONE) -> dict[str, Any]:
    """librdkafka's settings. The endpoint's own stand above ``defaults``, and ``fixed`` above all."""
    return {**defaults, **where.client, "bootstrap.servers": where.bootstrap_servers, **fixed}


def secret_settings(path: Path) -> dict[str, str]:
    """Settings of librdkafka in a JSON file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        # Without the text, which may hold a password.
        raise ValueError(f"it is not JSON in line {error.lineno}") from None
    if not isinstance(found, dict):
        raise ValueError("it holds no JSON object")
    return found


def consumer(
    where: KafkaEndpoint, fixed: Settings, defaults: Settings = _NONE, logger: logging.Logger | None = None
) -> Consumer:
    """A consumer. The caller closes it."""
    return Consumer(config(where, fixed, {"receive.message.max.bytes": LARGEST, **defaults}), **_logged(logger))


def producer(
    where: KafkaEndpoint, fixed: Settings = _NONE, defaults: Settings = _NONE, logger: logging.Logger | None = None
) -> Producer:
    return Producer(config(where, fixed, defaults), **_logged(logger))


def admin(
    where: KafkaEndpoint, fixed: Settings = _NONE, defaults: Settings = _NONE, logger: logging.Logger | None = None
) -> AdminClient:
    return AdminClient(config(where, fixed, defaults), **_logged(logger))


def _logged(logger: logging.Logger | None) -> dict[str, Any]:
    return {} if logger is None else {"logger": logger}


def protocol(where: KafkaEndpoint) -> str:
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    return str(where.client.get("security.protocol", "plaintext")).upper()


def connect(where: KafkaEndpoint, host: str, port: int, seconds: float) -> socket.socket:
    """A connection to one broker, with TLS and signed in where librdkafka's settings ask for it. The caller closes it.

    Raises:
        ValueError: the brokers want another SASL mechanism than SCRAM.
        OSError: the broker cannot be reached, is not to be trusted or refuses the login, or a file of the settings
            cannot be read.
    """
    spoken = protocol(where)
    context = _context(where.client) if spoken.endswith("SSL") else None
    connection = socket.create_connection((host, port), timeout=seconds)
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_hostname=host)
        if spoken.startswith("SASL_"):
            scram.sign_in(connection, where.client)
    except BaseException:
        connection.close()
        raise
    return connection


def _context(client: Mapping[str, str]) -> ssl.SSLContext:
    context = tls_context(client.get("ssl.ca.location", ""))
    if "ssl.certificate.location" in client:
        key, password = client.get("ssl.key.location"), client.get("ssl.key.password")
        context.load_cert_chain(client["ssl.certificate.location"], key, password)
    return context
