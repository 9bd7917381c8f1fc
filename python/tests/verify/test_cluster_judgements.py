"""What is decided about volumes, rights and flows in a cluster (T2, T3)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.instance.plan_cluster import Cluster as ClusterPlan
from cdc_pipeline.instance.plan_cluster import Storage, Tenancy, Volume
from cdc_pipeline.verify.checks import cluster as cluster_checks
from cdc_pipeline.verify.checks import isolation, storage, tenancy
from cdc_pipeline.verify.rules import rights
from fake_cluster import NAMESPACE, FakeCluster, node
from fake_cluster import pod as pod_of

DEFAULT = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


def storage_class(name: str, mode: str = "WaitForFirstConsumer", **metadata: object) -> dict:
    return {"metadata": {"name": name, **metadata}, "volumeBindingMode": mode, "provisioner": "p"}


def claim(name: str, size: str = "3413Mi", phase: str = "Bound", storage_class: str = "cdc-kafka") -> dict:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": name}, "spec": spec, "status": {"phase": phase}}


def test_classes():
    expected = Storage(classes=("cdc-kafka", "fast", ""), made=("cdc-kafka",))
    known = [storage_class("cdc-kafka"), storage_class("fast", "Immediate"), storage_class("standard", **DEFAULT)]
    assert [(each.id, each.ok) for each in storage.judge_classes(expected, known)] == [
        ("storage.class.cdc-kafka", True),
        ("storage.class.fast", True),
        ("storage.class.default", True),
    ]
    wrong = [storage_class("cdc-kafka", "Immediate")]
    assert [each.ok for each in storage.judge_classes(expected, wrong)] == [False, False, False]


KAFKA = Volume("kafka", 3413, 2, "cdc-kafka")


@pytest.mark.parametrize(
    ("second", "good"),
    [
        (claim("data-kafka-1"), True),
        (claim("data-kafka-1", size="10Gi"), True),
        (claim("data-kafka-1", size="1Gi"), False),
        (claim("data-kafka-1", phase="Pending"), False),
        (claim("data-kafka-1", storage_class="standard"), False),
        (claim("data-kafka-2"), False),
    ],
)
def test_volumes(second, good):
    (found,) = storage.judge_volumes([KAFKA], [claim("data-kafka-0"), second], "standard")
    assert found.ok is good


def test_a_volume_of_the_default_class():
    (found,) = storage.judge_volumes([Volume("x", 1)], [claim("data-x-0", storage_class="standard")], "standard")
    assert found.ok


def test_the_total_is_that_of_postgresql_and_kafka():
    volumes = [KAFKA, Volume("postgresql", 5120), Volume("object-store", 20480)]
    claims = [claim(f"data-kafka-{number}") for number in (0, 1)]
    claims += [claim("data-postgresql-0", "5Gi"), claim("data-object-store-0", "20Gi")]
    found = storage.judge_total(volumes, claims)
    assert (found.ok, found.expected, found.found) == (True, "11946 MiB", "11946 MiB")
    assert not storage.judge_total(volumes, claims[1:]).ok


def pod(name: str, account: str = "kafka-sa", sources: tuple = ()) -> dict:
    volumes = [{"projected": {"sources": list(sources)}}, {"emptyDir": {}}]
    return {"metadata": {"name": name}, "spec": {"serviceAccountName": account, "volumes": volumes}}


def test_accounts_and_tokens_of_pods():
    expected = {"kafka": "kafka-sa"}
    assert all(each.ok for each in tenancy.judge_accounts(expected, {"kafka": [pod("a"), pod("b")]}))
    accounts, tokens = tenancy.judge_accounts(
        expected, {"kafka": [pod("a"), pod("b", "default", ({"serviceAccountToken": {}},))]}
    )
    assert (accounts.ok, accounts.found) == (False, {"kafka": "default, kafka-sa"})
    assert (tokens.ok, tokens.found) == (False, ["b"])
    assert not next(iter(tenancy.judge_accounts(expected, {}))).ok


def test_an_account_that_gives_its_token_unasked():
    found = tenancy.judge_automount(
        [{"metadata": {"name": "a"}, "automountServiceAccountToken": False}, {"metadata": {"name": "b"}}]
    )
    assert (found.ok, found.found) == (False, ["b"])


def test_rights_of_rules():
    rules = [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]},
        {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]},
        {"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["one"]},
    ]
    assert rights(rules) == {"get pods/log", "get deployments.apps", "list deployments.apps", "get secrets one"}


def test_accounts_may_do_what_any_account_may():
    anybody = {"create selfsubjectreviews.authentication.k8s.io"}
    assert tenancy.judge_powerless(["a"], {"a": anybody}, anybody).ok
    found = tenancy.judge_powerless(["a"], {"a": {*anybody, "get secrets"}}, anybody)
    assert (found.ok, found.found) == (False, {"a": ["get secrets"]})
    assert not tenancy.judge_powerless(["a"], {"a": {"* *.*"}}, {"* *.*"}).ok


def test_operators_may_do_what_is_listed_and_no_more():
    rules = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
    anybody = {"create reviews"}
    assert tenancy.judge_operator(rules, {"get pods", "list pods", "create reviews"}, anybody).ok
    found = tenancy.judge_operator(rules, {"get pods", "delete pods"}, anybody)
    assert (found.ok, found.found) == (False, {"missing": ["list pods"], "beyond the list": ["delete pods"]})


def test_flows():
    outcomes = {
        "kafka": {"client": "arrived", "controller": "timed out"},
        "postgresql": {"sql": "timed out"},
    }
    assert isolation.judge_flows("archive", {"kafka": ["client"], "absent": ["http"]}, outcomes).ok
    assert not isolation.judge_flows("archive", {"kafka": ["client"], "postgresql": ["sql"]}, outcomes).ok
    assert not isolation.judge_flows("archive", {"kafka": ["client", "controller"]}, outcomes).ok
    assert not isolation.judge_flows("a pod of no workload", {}, outcomes).ok
    # An error that is no time-out says nothing of policies.
    broken = {**outcomes, "postgresql": {"sql": "OSError: no route to host"}}
    found = isolation.judge_flows("archive", {"kafka": ["client"]}, broken)
    assert not found.ok and found.found["postgresql"] == ["sql (OSError: no route to host)"]


def test_what_becomes_of_a_connection():
    """The code that runs in a pod."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_server(("127.0.0.1", 0)) as good:
        closed = socket.create_server(("127.0.0.1", 0))
        refusing = closed.getsockname()
        closed.close()
        with socket.create_connection(full.getsockname()):
            addresses = [good.getsockname(), refusing, full.getsockname(), ("name.invalid.", 1)]
            command = [sys.executable, "-c", isolation._TRY, "0.5", json.dumps(addresses)]
            *found, wrong = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found == ["arrived", "arrived", "timed out"]
    assert wrong.startswith("gaierror: ")


def test_targets_are_ports_of_a_pod_with_an_address():
    declared = {
        "kafka": {"ports": {"a": {"port": 1, "outside_port": 9}, "b": {"port": 2}}},
        "schema_registry": {"ports": {"c": {"port": 3}}},
    }
    pods = {"kafka": [{"status": {}}, {"status": {"podIP": "10.0.0.1"}}], "schema-registry": [{"status": {}}]}
    assert isolation.targets(pods, declared) == {
        "kafka": {"a": ("10.0.0.1", 1), "b": ("10.0.0.1", 2), "a from outside": ("10.0.0.1", 9)}
    }


def forbidden():
    raise ClusterError("nodes is forbidden", 403)


def context(objects, **expected):
    plan = SimpleNamespace(expected=SimpleNamespace(**{"cluster": ClusterPlan(), "storage": Storage(), **expected}))
    return SimpleNamespace(cluster=FakeCluster({"/version": {"gitVersion": "v1.34.4"}, **objects}), plan=plan)


def test_nodes_that_may_not_be_seen_are_left_out():
    hidden = context({"/api/v1/nodes": forbidden})
    assert [each.id for each in cluster_checks._api(hidden)] == ["cluster.api"]
    assert isolation._nodes(hidden.cluster) == [""], "pods run on any"
    with pytest.raises(ClusterError):
        list(cluster_checks._api(context({})))


@pytest.mark.parametrize(("runtime", "good"), [("cri-o", True), ("containerd", False), ("", True)])
def test_the_container_runtime_is_the_one_that_is_asked_for(runtime, good):
    found = context({"/api/v1/nodes": [node("a", runtime="cri-o://1.31")]}, cluster=ClusterPlan(0, runtime))
    assert {each.id: each.ok for each in cluster_checks._api(found)}["cluster.container_runtime"] is good


def test_a_default_class_is_wanted_where_a_volume_is_of_it():
    classes = {
        "/api/v1/nodes": [node("a")],
        "/apis/storage.k8s.io/v1/storageclasses": [storage_class("fast", labels={})],
    }
    named = context(classes, storage=Storage(classes=("fast",)))
    assert "cluster.storage_class" not in {each.id for each in cluster_checks._api(named)}
    unnamed = context(classes, storage=Storage(classes=("fast", "")))
    assert {each.id: each.ok for each in cluster_checks._api(unnamed)}["cluster.storage_class"] is False


class Policed(FakeCluster):
    """Pods of checks run at once. Between two of them a connection takes both sides' policies; to the workload `web`,
    whose policy lets in `web_lets_in`, that of the one who opens it.
    """

    def __init__(self, web_lets_in: bool):
        web = pod_of("web-0", "web")
        web["status"]["podIP"] = "10.0.0.1"
        super().__init__({f"{NAMESPACE}/pods": [web], "/api/v1/nodes": forbidden}, self.run)
        self.where = replace(self.where, declared={"web": {"ports": {"http": {"port": 80}}}})
        self.web_lets_in = web_lets_in
        self.policies: set[str] = set()

    def call(self, method: str, path: str, body: object = None, **query: object):
        name = path.rpartition("/")[2]
        if method == "POST" and name == "networkpolicies":
            self.policies.add(body["spec"]["policyTypes"][0])
        if method == "DELETE" and "networkpolicies" in path:
            self.policies.discard(name.rpartition("-")[2].capitalize())
        if method == "GET" and name.startswith("cdc-verify-"):
            made = pod_of(name, "cdc-verify", containerStatuses=[{"state": {"running": {}}}])
            made["status"]["podIP"] = "10.0.0.2"
            return made
        return super().call(method, path, body, **query)

    def run(self, pod: str, command: list[str]) -> Output:
        if command[2] != isolation._TRY:
            threading.Event().wait(5)
            return Output(0, "", "")
        lets_in = {"10.0.0.1": self.web_lets_in, "10.0.0.2": "Ingress" in self.policies}
        arrives = ["Egress" in self.policies and lets_in[address] for address, _port in json.loads(command[4])]
        return Output(0, json.dumps(["arrived" if each else "timed out" for each in arrives]), "")


@pytest.mark.parametrize("web_lets_in", [False, True])
def test_a_pod_whose_way_out_is_open_is_kept_off_by_the_others(web_lets_in, monkeypatch):
    monkeypatch.setattr(isolation, "_SETTLE_SECONDS", 0.1)
    plan = SimpleNamespace(expected=SimpleNamespace(tenancy=Tenancy(flows={"web": {}})))
    found = list(isolation._deny(SimpleNamespace(cluster=Policed(web_lets_in), plan=plan)))
    assert [each.id for each in found if not each.ok] == ["tenancy.flows.a_pod_that_may_connect_anywhere"] * web_lets_in
    assert len(found) == 5
