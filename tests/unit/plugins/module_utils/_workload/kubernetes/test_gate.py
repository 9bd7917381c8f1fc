# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rolling gate of a workload in a cluster, which the controller asks."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import sys
import threading

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.gate import gate
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import Connection
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload


def made(probe, port=8000, access="port_forward"):
    ports = {"http": {"port": port, "step": 1, "node_port": 30800}, "inner": {"port": 100, "step": 1}}
    spec = {"name": "echo", "image": "x", "command": ["x"], "replicas": 2, "ports": ports, "rolling_gate": probe}
    cluster = Cluster(access=access, external_host="127.0.0.1")
    return gate(parse_workload(spec, "kubernetes"), cluster, Connection(artifacts={"services": "/opt/s"}))


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ready" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def test_a_command_sees_what_the_controller_sees():
    command = ["@{artifact.services}/bin/check", "@{hosts.http}"]
    assert made({"exec": command}).probe.exec == ("/opt/s/bin/check", "127.0.0.1:8000,127.0.0.1:8001")
    assert made({"exec": command}, access="node_ports").probe.exec[1] == "127.0.0.1:30800,127.0.0.1:30801"


def test_its_outcome_and_its_words():
    assert made({"exec": [sys.executable, "-c", ""]}).wait(0) is None
    assert made({"exec": [sys.executable, "-c", "exit('not yet')"]}).wait(0) == "not yet"
    assert "No such file" in made({"exec": ["/none"]}).wait(0)


def test_by_http_and_tcp(server):
    port = server.server_address[1]
    assert made({"http": {"port": "http", "path": "/ready"}}, port).wait(0) is None
    assert "503" in made({"http": {"port": "http", "path": "/"}}, port).wait(0)
    assert made({"tcp": "http"}, port).wait(0) is None
    assert "refused" in made({"tcp": "http"}, 1).wait(0)


def test_by_https_without_looking_at_the_certificate(server, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-days", "1"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    port = server.server_address[1]
    assert made({"http": {"port": "http", "path": "/ready", "scheme": "https"}}, port).wait(0) is None
    assert made({"http": {"port": "http", "path": "/ready"}}, port).wait(0) is not None


def test_what_only_pods_reach_is_refused():
    with pytest.raises(SpecError) as caught:
        made({"tcp": "inner"})
    assert "the port inner is not reached from the controller" in caught.value.message
    with pytest.raises(SpecError) as caught:
        made({"exec": ["check", "@{hosts.inner}"]})
    assert "unknown token @{hosts.inner}" in caught.value.message
