# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ports lead where, and the process that forwards them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError
from ansible_collections.cdc.pipeline.plugins.module_utils._run_lock import Run, alive
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes import forwarder as forwarder_module
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.forwarder import Forwarder
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.forwards import Forward, forwards
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pod_choice import choose
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import Connection
from waiting import until

CATALOGUE = {
    "kafka": {
        "protocol": "kafka",
        "replicas": 2,
        "ports": {
            "client": {"port": 9092, "step": 1, "node_port": 30092, "outside_port": 9192},
            "controller": {"port": 19092, "step": 1},
        },
    },
    "schema_registry": {"protocol": "http", "routable": True, "ports": {"http": {"port": 30081, "expose": True}}},
}


def shown(access, **parts):
    return [item.shown() for item in forwards(CATALOGUE, Cluster(access=access, **parts))]


def test_what_is_forwarded():
    kafka = ["127.0.0.1:9592 to kafka-0:9192", "127.0.0.1:9593 to kafka-1:9192"]
    assert shown("port_forward", port_offset=500) == [*kafka, "127.0.0.1:30581 to schema-registry:30081"]
    assert shown("routes", port_offset=500) == kafka, "what is routable has its routes"
    assert shown("host_ports") == shown("node_ports", unmapped=(9593,)) == []
    assert shown("host_ports", port_offset=500, unmapped=(9593, 1)) == kafka[1:], "what a cluster was made without"


def pod(name, ready=True, phase="Running"):
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"name": name}, "status": status}


def test_the_pod_of_a_connection():
    pods = [pod("kafka-0", ready=False), pod("kafka-1", ready=False), pod("kafka-2")]
    assert choose(pods, "kafka", 1) == "kafka-1", "a broker must be the one that was asked for"
    assert choose(pods, "kafka", None) == "kafka-2"
    assert choose([pod("kafka-0")], "kafka", 1) is None
    assert choose([pod("connect-5d9f-x")], "connect", 0) == "connect-5d9f-x", "a deployment's only pod"
    assert choose([pod("connect-5d9f-x", phase="Pending")], "connect", 0) is None


@pytest.fixture
def free():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return Forward("127.0.0.1", found.getsockname()[1], "kafka", None, 9192)


@pytest.fixture
def owner():
    """Stands for the playbook run."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def forwarder(tmp_path, monkeypatch, owner):
    monkeypatch.setattr(forwarder_module, "find_run", lambda: Run(owner.pid, alive(owner.pid), "run"))
    monkeypatch.setattr(forwarder_module, "connect", lambda *_: None)
    found = Forwarder(tmp_path / "home")
    yield found
    found.stop()


def answers(forward):
    with socket.socket() as client:
        return client.connect_ex((forward.host, forward.port)) == 0


def test_it_lives_as_long_as_the_run(forwarder, free, owner):
    connection = Connection(kubeconfig="/kubeconfig")
    assert forwarder.start(connection, "namespace", [free]) and answers(free)
    assert not forwarder.start(connection, "namespace", [free]), "the second call finds it"
    pid = json.loads(forwarder.record.read_text())["process"]["pid"]
    assert os.stat(forwarder.record).st_mode & 0o777 == 0o600  # noqa: PTH116
    assert Path(f"/proc/{pid}/stat").read_text().split()[5] != str(os.getsid(0)), "it has a session of its own"
    owner.kill()
    owner.wait()
    until(lambda: answers(free), lambda found: not found, 20, "nothing listens", 0.05)


def test_other_forwards_replace_it_and_stop_ends_it(forwarder, free):
    connection = Connection()
    forwarder.start(connection, "one", [free])
    first = json.loads(forwarder.record.read_text())["process"]
    assert forwarder.start(connection, "two", [free])
    assert not alive(first["pid"], first["start"]) and answers(free)
    assert forwarder.stop() and not forwarder.stop()
    until(lambda: answers(free), lambda found: not found, 20, "nothing listens", 0.05)


def test_a_port_that_is_taken_is_named(forwarder, free):
    with socket.socket() as taken:
        taken.bind((free.host, free.port))
        taken.listen()
        with pytest.raises(FailedError, match=f"The port {free.port} on 127.0.0.1, to forward to kafka"):
            forwarder.start(Connection(), "namespace", [free])


def test_the_module_does_nothing_where_there_is_another_way(run_module, tmp_path):
    options = {"endpoints": CATALOGUE, "folder": str(tmp_path)}
    found = run_module("kubernetes_port_forward", cluster={"access": "node_ports"}, **options)
    assert (found["changed"], found["forwards"], found["started"]) == (False, [], False)
