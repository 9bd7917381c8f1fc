"""Kafka clients, against brokers that only TLS gets through to."""

from __future__ import annotations

import ssl
import struct
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.clients import kafka
from cdc_pipeline.clients.scram import Exchange
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.verify.quorum import describe_quorum
from certificates import Authority

sys.path.insert(0, str(Path(__file__).parent))

from tls_servers import Broker, serving

API_VERSIONS, DESCRIBE_QUORUM = 18, 55
# One voter, which leads: version 0 of the answer to DescribeQuorum.
VOTER = struct.pack(">iq", 1, 100) + b"\0"
PARTITION = struct.pack(">ihiiq", 0, 0, 1, 5, 100) + b"\x02" + VOTER + b"\x01\0"
QUORUM = struct.pack(">i", 1) + b"\0\0\0\x02\x13__cluster_metadata\x02" + PARTITION + b"\0"


def endpoint(port: int, ca: Path, **more: str) -> KafkaEndpoint:
    return KafkaEndpoint(f"127.0.0.1:{port}", {"security.protocol": "SSL", "ssl.ca.location": str(ca), **more})


def test_an_endpoints_settings_stand_above_defaults_and_below_what_is_fixed() -> None:
    where = KafkaEndpoint("h:1", {"a": "endpoint", "b": "endpoint"})
    found = kafka.config(where, {"a": "fixed"}, {"a": "default", "b": "default", "c": "default"})
    assert found == {"a": "fixed", "b": "endpoint", "c": "default", "bootstrap.servers": "h:1"}
    assert "endpoint" not in repr(where)  # where a password may stand


@pytest.mark.parametrize("make", [kafka.admin, kafka.producer, kafka.consumer])
def test_clients_trust_the_authority_of_the_settings(make: Any, authority: Authority, stranger: Authority) -> None:
    errors: list[str] = []
    fixed = {"log_level": 0, "error_cb": lambda error: errors.append(error.str())}
    fixed |= {"group.id": "g"} if make is kafka.consumer else {}
    broker = Broker(authority.context("127.0.0.1"))
    with serving(broker) as port:
        refusing = make(endpoint(port, stranger.ca), fixed)
        deadline = time.monotonic() + 10
        while not errors and time.monotonic() < deadline:
            refusing.poll(0.1)
        assert "certificate verify failed" in errors[0] and broker.asked == []
        del refusing
        trusting = make(endpoint(port, authority.ca), fixed)
        trusting.poll(0.1)
        assert broker.was_asked.wait(10) and broker.asked[0] == API_VERSIONS
        del trusting


def test_a_broker_by_another_name_is_refused_by_clients(authority: Authority) -> None:
    errors: list[str] = []
    fixed = {"log_level": 0, "error_cb": lambda error: errors.append(error.str())}
    broker = Broker(authority.context("elsewhere.example"))
    with serving(broker) as port:
        client = kafka.admin(endpoint(port, authority.ca), fixed)
        deadline = time.monotonic() + 10
        while not errors and time.monotonic() < deadline:
            client.poll(0.1)
    assert "certificate verify failed" in errors[0] and broker.asked == []


def test_the_quorum_is_asked_for_by_tls(authority: Authority, stranger: Authority) -> None:
    broker = Broker(authority.context("127.0.0.1"), QUORUM)
    with serving(broker) as port:
        assert describe_quorum(endpoint(port, authority.ca)).voters == {1: 100}
        assert broker.asked == [DESCRIBE_QUORUM]
        with pytest.raises(ssl.SSLCertVerificationError):
            describe_quorum(endpoint(port, stranger.ca))
        # In plaintext there is no answer.
        with pytest.raises(OSError):
            describe_quorum(KafkaEndpoint(f"127.0.0.1:{port}"), 1.0)
    with (
        serving(Broker(authority.context("elsewhere.example"), QUORUM)) as port,
        pytest.raises(ssl.SSLCertVerificationError, match=r"127\.0\.0\.1"),
    ):
        describe_quorum(endpoint(port, authority.ca))


def test_a_broker_that_wants_certificates_gets_one(authority: Authority) -> None:
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca)
    certificate, key = authority.certificate("client.example")
    mine = {"ssl.certificate.location": str(certificate), "ssl.key.location": str(key)}
    with serving(Broker(context, QUORUM)) as port:
        assert describe_quorum(endpoint(port, authority.ca, **mine)).leader == 1
        with pytest.raises(OSError):
            describe_quorum(endpoint(port, authority.ca))


def test_only_scram_is_spoken(authority: Authority) -> None:
    client = {"security.protocol": "sasl_ssl", "ssl.ca.location": str(authority.ca), "sasl.mechanism": "PLAIN"}
    with (
        serving(Broker(authority.context("127.0.0.1"))) as port,
        pytest.raises(ValueError, match="is PLAIN; only SCRAM"),
    ):
        kafka.connect(KafkaEndpoint("h:1", client), "127.0.0.1", port, 1.0)


def test_scram_as_in_its_specification() -> None:
    """The example of RFC 7677."""
    exchange = Exchange("sha256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert exchange.first == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    final = exchange.answer(f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode())
    assert final == f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()
    exchange.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(PermissionError, match="does not know the password"):
        exchange.check(b"v=AAAA")


def test_a_challenge_of_somebody_else_is_refused() -> None:
    with pytest.raises(PermissionError):
        Exchange("sha256", "user", "pencil", "mine").answer(b"r=yours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
