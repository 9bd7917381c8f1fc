"""Certificates that servers show, and the files with keys."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from pathlib import Path

import pytest
from cdc_pipeline.instance.expected import Listener
from cdc_pipeline.verify.checks.certificates import KeyFile, Shown, judge_keys, judge_time, judge_trust, key_files, look
from certificates import Authority, https_server

KAFKA = Listener("kafka", "127.0.0.1:9092", "kafka", "/ca.pem")
SECOND = Listener("kafka", "127.0.0.1:9093", "kafka", "/ca.pem")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def shown(authority: Authority, *hosts: str, ca: Path | None = None) -> Shown:
    with https_server(http.server.BaseHTTPRequestHandler, authority.context(*hosts)) as port:
        return look(Listener("archive", f"127.0.0.1:{port}", "http", str(ca or authority.ca)))


def test_a_certificate_that_fits(authority: Authority) -> None:
    found = shown(authority, "127.0.0.1")
    assert found.until > 0 and not found.wrong and not found.silent


def test_one_that_does_not(authority: Authority, tmp_path: Path) -> None:
    assert "IP address mismatch" in shown(authority, "elsewhere.example").wrong
    stranger = Authority(tmp_path, "stranger").ca
    found = shown(authority, "127.0.0.1", ca=stranger)
    assert "certificate" in found.wrong and str(stranger) in found.wrong
    assert "/nonexistent" in shown(authority, "127.0.0.1", ca=Path("/nonexistent")).wrong


class Answers(socketserver.BaseRequestHandler):
    """Says no to whatever comes first, as PostgreSQL without TLS does."""

    def handle(self) -> None:
        self.request.recv(8)
        self.request.sendall(b"N")


def test_what_does_not_encrypt_and_what_does_not_listen(authority: Authority) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        assert look(Listener("archive", address, "http", str(authority.ca))).wrong
        assert "without encryption" in look(Listener("db", address, "postgresql", str(authority.ca))).wrong
        server.shutdown()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert look(Listener("db", f"127.0.0.1:{free.getsockname()[1]}", "http", str(authority.ca))).silent


def test_trust_is_judged_by_port_and_silence_by_server() -> None:
    assert judge_trust({KAFKA: Shown(until=1), SECOND: Shown(silent=True)}).ok
    assert judge_trust({KAFKA: Shown(until=1), SECOND: Shown(wrong="no")}).found == {"kafka 127.0.0.1:9093": "no"}
    assert judge_trust({KAFKA: Shown(silent=True)}).found == {"kafka": "nothing listens"}


def test_days_left() -> None:
    day = 86400
    assert judge_time({KAFKA: Shown(until=30 * day)}, 30, 0).ok
    late = judge_time({KAFKA: Shown(until=30 * day - 1), SECOND: Shown(until=90 * day)}, 30, 0)
    assert not late.ok and late.found == {"kafka 127.0.0.1:9092": 29}


def test_keys_are_their_owner_s_alone() -> None:
    assert judge_keys({"/a": KeyFile(0o600, "root"), "/b": KeyFile(0o400, "cdc")}, ["cdc"]).ok
    wrong = {"/a": KeyFile(0o640, "root"), "/b": KeyFile(0o400, "alice"), "/c": KeyFile(0o604, "cdc")}
    assert set(judge_keys(wrong, ["cdc"]).found) == {"/a", "/b", "/c"}


def test_keys_and_passwords_are_found_wherever_they_are_but_in_data(tmp_path: Path) -> None:
    keys = ("certificates/servers/kafka.key", "kafka-0/config/stray.txt", "kafka-0/data/x.key")
    passwords = ("kafka-0/secrets/gate.json", "credentials/kafka_reader", "endpoints.json")
    for name in (*keys, *passwords, "other.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("-----BEGIN PRIVATE KEY-----" if name in keys else "nothing of the kind")
        path.chmod(0o644)
    found = key_files(tmp_path)
    assert {str(Path(path).relative_to(tmp_path)) for path in found} == {
        "certificates/servers/kafka.key",
        "kafka-0/config/stray.txt",
        *passwords,
    }
    assert {key.mode for key in found.values()} == {0o644}
