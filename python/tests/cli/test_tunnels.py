"""Ports that lead to pods while a command runs, through an API server that speaks the pods' protocol."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Forward, Instance, Note
from cdc_pipeline.cli.tunnels import forwarded, reached
from cdc_pipeline.instance.plan_cluster import ClusterAccess

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PODS = {
    "items": [
        {
            "metadata": {"name": f"kafka-{ordinal}", "labels": {}},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }
        for ordinal in range(2)
    ]
}


class ApiServer:
    """Lists two pods, and forwards to them: whoever is asked says its name, then repeats in capitals what it gets."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            path = stream.readline().split()[1].decode()
            headers = {}
            while line := stream.readline().strip():
                name, _, value = line.decode().partition(": ")
                headers[name.lower()] = value
            if "/portforward" not in path:
                body = json.dumps(PODS).encode()
                client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                return
            accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + GUID).encode()).digest()).decode()
            client.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
            )
            pod = path.split("/pods/")[1].partition("/")[0]
            port = int(path.partition("ports=")[2]).to_bytes(2, "little")
            for channel, data in ((0, port), (1, port), (0, f"{pod}: ".encode())):
                client.sendall(frame(bytes([channel]) + data))
            while (found := read_frame(stream)) is not None:
                if found[:1] == b"\0":
                    client.sendall(frame(b"\0" + found[1:].upper()))


def frame(data: bytes) -> bytes:
    return bytes([0x82, len(data)]) + data


def read_frame(stream) -> bytes | None:
    """The data of a short masked frame; None when it is no data, or there is none."""
    head = stream.read(2)
    if len(head) < 2 or head[0] & 0x0F != 2:
        return None
    mask = stream.read(4)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(stream.read(head[1] & 0x7F)))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    server = ApiServer()
    config = {
        "apiVersion": "v1",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    forwards = tuple(Forward("127.0.0.1", port, "kafka", 9192, ordinal) for ordinal, port in enumerate(ports))
    cluster = ClusterAccess(kubeconfig=str(tmp_path / "kubeconfig"))
    yield Instance(tmp_path, Note("here", "kubernetes", cluster=cluster, forwards=forwards))
    server.socket.close()


def say(port: int, text: bytes, want: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(text)
        found = b""
        while len(found) < want and (more := client.recv(100)):
            found += more
        return found


def test_each_port_leads_to_its_pod_while_it_lasts(instance: Instance) -> None:
    first, second = (each.port for each in instance.note.forwards)
    with reached(instance):
        assert say(first, b"hello", 14) == b"kafka-0: HELLO"
        assert say(second, b"you", 12) == b"kafka-1: YOU"
        # A port that somebody forwards already is left to them.
        with reached(instance):
            assert say(second, b"too", 12) == b"kafka-1: TOO"
        assert say(first, b"still", 14) == b"kafka-0: STILL"
    for port in (first, second):
        with pytest.raises(ConnectionRefusedError):
            say(port, b"", 1)


def test_one_port_is_forwarded_at_a_free_number(instance: Instance) -> None:
    _first, second = instance.note.forwards
    with forwarded(instance, replace(second, port=0)) as port:
        assert port not in (0, second.port) and say(port, b"you", 12) == b"kafka-1: YOU"
        with (
            pytest.raises(CdcError, match=f"Another program uses port {port} of 127.0.0.1"),
            forwarded(instance, replace(second, port=port)),
        ):
            pass
    with pytest.raises(ConnectionRefusedError):
        say(port, b"", 1)


def test_where_addresses_answer_by_themselves_no_cluster_is_asked(tmp_path: Path) -> None:
    with reached(Instance(tmp_path, Note("here", "kubernetes", cluster=ClusterAccess(kubeconfig="/none")))):
        pass
    note = Note("here", "kubernetes", cluster=ClusterAccess(kubeconfig="/none"), forwards=(Forward("h", 1, "w", 2),))
    with (
        pytest.raises(
            CdcError, match="The cluster of the instance here cannot be reached: no cluster by the kubeconfig"
        ),
        reached(Instance(tmp_path, note)),
    ):
        pass
