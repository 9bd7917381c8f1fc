"""Servers that are pods, and the cluster itself, of made-up objects; the API's answers from a server of our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest
from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.instance.cluster import Cluster, trouble
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.instance.pod_servers import PodServers, processor_time
from cdc_pipeline.instance.servers import Usage
from cdc_pipeline.units import quantity
from cdc_pipeline.verify.checks import cluster as checks
from cdc_pipeline.verify.checks import pods
from cdc_pipeline.verify.checks.memory import judge_requests
from cdc_pipeline.verify.probe_pod import Wanted, manifest, probe_pod
from fake_cluster import APPS, MIB, NAMESPACE, FakeCluster, controller, node, pod, stats

LIST = f"{NAMESPACE}/pods"
SETS = f"{APPS}/statefulsets"
SUMMARY = "/api/v1/nodes/n1/proxy/stats/summary"


def commands(name: str, command: Sequence[str]) -> Output:
    if command == ("cat", "/proc/1/cmdline"):
        return Output(0, f"java\0-Xmx1g\0{name}\0", "")
    if command[-1] == "/proc/1/cwd/worker.properties":
        return Output(0, "a=b", "")
    return Output(1, "", "no such file\n")


def brokers(ready: bool = True) -> FakeCluster:
    names = [f"kafka-{ordinal}" for ordinal in range(3)]
    objects = {
        LIST: [pod(name, "kafka", ready or name != "kafka-1") for name in reversed(names)],
        SETS: [controller("kafka", 3)],
        SUMMARY: stats(dict.fromkeys(names, 10)),
        "/api/v1/nodes": [node("n1")],
    }
    return FakeCluster(objects, commands)


def test_the_pods_of_a_component_are_its_servers() -> None:
    servers = PodServers(brokers())
    found = servers.of("kafka")
    assert [each.place for each in found] == ["pod kafka-0", "pod kafka-1", "pod kafka-2"]
    assert found[0].command == ("java", "-Xmx1g", "kafka-0")
    assert found[0].memory() == 10 * MIB
    assert found[0].read(PurePath("worker.properties")) == "a=b"
    with pytest.raises(OSError, match=r"tail -c 10 /gone in pod kafka-0: no such file"):
        found[0].tail(PurePath("/gone"), 10)
    assert servers.runs("kafka") and not servers.runs("postgresql")


def test_pods_that_are_missing_or_not_ready_are_named() -> None:
    with pytest.raises(LookupError, match=r"kafka-1 is not ready \(not yet\)"):
        PodServers(brokers(ready=False)).of("kafka")
    few = brokers()
    few.objects[LIST] = few.objects[LIST][:1]
    with pytest.raises(LookupError, match="1 of 3 are there"):
        PodServers(few).of("kafka")
    with pytest.raises(LookupError, match="0 of 0 are there"):
        PodServers(few).of("schema_registry")


def test_what_pods_use_is_metered() -> None:
    cluster = brokers()
    meter = PodServers(cluster, ("kafka",)).meter()
    assert meter.take() == {"kafka": Usage(4.5, 30 * MIB)}
    # A node that does not answer leaves what it said last.
    meter._read_at = 0.0
    cluster.objects[SUMMARY] = None
    assert meter.take() == {"kafka": Usage(4.5, 30 * MIB)}
    # What was never measured is not there, rather than nothing.
    assert PodServers(cluster, ("kafka",)).meter().take() == {}


def test_processor_time_is_carried_on_for_a_while() -> None:
    cpu = {"time": "2026-01-01T00:00:00Z", "usageCoreNanoSeconds": 10**9, "usageNanoCores": 5 * 10**8}
    at = 1767225600.0
    assert processor_time({"containers": [{"cpu": cpu}]}, at + 10) == 6.0
    assert processor_time({"containers": [{"cpu": cpu}]}, at + 1000) == 16.0
    assert processor_time({"containers": [{"cpu": {"time": "2026-01-01T00:00:00Z"}}]}, at) == 0.0


def test_why_a_pod_does_not_run() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert trouble(pod("a", "a", False, containerStatuses=[{"name": "a", "state": waiting}])) == (
        "a: CrashLoopBackOff, back-off 10s"
    )
    killed = {"name": "a", "state": {"running": {}}, "lastState": {"terminated": {"reason": "OOMKilled"}}}
    assert trouble(pod("a", "a", False, containerStatuses=[killed])) == "a: OOMKilled"
    assert trouble({"status": {"phase": "Pending"}}) == "Pending"


def test_nodes_are_judged() -> None:
    found = {each.id: each for each in checks.judge_nodes([node("a"), node("b")], 2, "containerd", "v1.34.4")}
    assert all(each.ok for each in found.values()), found
    bad = [node("a", ready="Unknown"), node("b", version="v1.35.0", runtime="cri-o://1", DiskPressure="True")]
    found = {each.id: each for each in checks.judge_nodes(bad, 3, "containerd", "v1.34.4")}
    assert not any(each.ok for each in found.values()), found
    assert found["cluster.nodes"].found == {"a": "not ready", "b": "Ready"}
    assert found["cluster.node_pressure"].found == {"b": ["DiskPressure"]}


def test_one_default_storage_class_is_wanted() -> None:
    def kind(name: str, default: str) -> dict:
        return {"metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}}}

    assert checks.judge_classes([kind("a", "true"), kind("b", "false")]).ok
    assert not checks.judge_classes([kind("a", "false")]).ok
    assert not checks.judge_classes([kind("a", "true"), kind("b", "true")]).ok


DECLARED = {
    "kafka": {"replicas": "3", "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092}}},
    "archive": {"ports": {"http": {"port": 30095}}},
}


def service(name: str, *node_ports: int) -> dict:
    return {"metadata": {"name": name}, "spec": {"ports": [{"nodePort": each} for each in node_ports] or [{"port": 1}]}}


def test_node_ports_are_reached_from_outside() -> None:
    access = ClusterAccess(declared=DECLARED, port_offset=100)
    services = [service("inside"), service("kafka-0", 30092), service("kafka-2", 30094), service("odd", 31000)]
    found = checks.outside_addresses(services, access, "10.0.0.1")
    assert found == {
        "kafka-0 30092": ("127.0.0.1", 9192),
        "kafka-2 30094": ("127.0.0.1", 9194),
        "odd 31000": None,
    }
    judged = checks.judge_ports(found, {"kafka-2 30094": "refused"})
    assert judged.found == {"odd 31000": "no host port leads there", "kafka-2 30094": "refused"} and not judged.ok
    kept = ClusterAccess(declared=DECLARED, port_offset=100, unmapped=(9194,))
    found = checks.outside_addresses(services, kept, "10.0.0.1")
    assert list(found) == ["kafka-0 30092", "odd 31000"]
    del found["odd 31000"]
    assert "created without: 9194" in str(checks.judge_ports(found, {}, kept.unmapped).found)
    nodes = ClusterAccess(access="node_ports", external_host="", declared=DECLARED)
    found = checks.outside_addresses(services, nodes, "10.0.0.1")
    assert found["odd 31000"] == ("10.0.0.1", 31000)
    assert checks.judge_ports(found, {}).ok


STATUS = "Name:\tjava\nPid:\t1\nUid:\t10001\t10001\t10001\t10001\nThreads:\t40\n"


def test_pods_are_seen_from_inside() -> None:
    assert pods.read_inside(STATUS + "67108864\n") == pods.Inside(10001, 64 * MIB)
    assert pods.read_inside(STATUS + "max\n") == pods.Inside(10001, None)
    assert pods.judge_owners({"a": 10001}).ok
    assert pods.judge_owners({"a": 0, "b": 1, "c": None}).found == ["a", "c"]


def test_limits_hold_and_are_there() -> None:
    assert pods.judge_bounds({"a": 64 * MIB, "b": 5000}, {"a": 64 * MIB, "b": 4096}).ok
    assert set(pods.judge_bounds({"a": 64 * MIB, "b": None}, {"a": None}).found) == {"a", "b"}
    assert pods.memory_of(pod("a", "a"), "limits") == 64 * MIB
    assert pods.memory_of(pod("a", "a", limit=""), "limits") is None
    larger = pod("a", "a")
    larger["spec"]["initContainers"] = [{"resources": {"limits": {"memory": "1Gi"}}}]
    assert pods.memory_of(larger, "limits") == 1024 * MIB


def test_a_rollout_that_is_not_finished_is_named() -> None:
    assert pods.judge_rollouts([controller("kafka", 3)]).ok
    behind = [controller("a", 3, updatedReplicas=1), controller("b", 1, observedGeneration=1)]
    assert set(pods.judge_rollouts(behind).found) == {"a", "b"}
    assert not pods.judge_controllers([]).ok
    assert pods.judge_pods({"a": "", "b": "a: OOMKilled"}).found == {"b": "a: OOMKilled"}


def test_what_a_job_has_left_is_no_process_that_does_not_run() -> None:
    failed, late = pod("load-x", "load", ready=False, phase="Failed"), pod("load-y", "load", ready=False)
    for each in (failed, late):
        each["metadata"]["labels"]["job-name"] = "load"
    broken = pod("kafka-0", "kafka", ready=False, phase="Failed")
    brokers = controller("kafka")
    brokers["spec"]["template"] = {"spec": {}}
    cluster = FakeCluster(
        {LIST: [failed, late, broken], SETS: [brokers]},
        lambda name, command: Output(0, STATUS + "67108864\n", ""),
    )
    context = SimpleNamespace(cluster=cluster, once=lambda _key, make: make())
    found = {finding.id: finding for finding in [*pods.running(context), *pods.applied(context)]}
    assert set(found["services.processes"].found) == {"kafka-0"} and found["services.not_root"].ok
    assert set(found["workload.memory_bounds"].found) == {"kafka-0"}, "what has ended has no bound any more"


def test_requests_are_summed() -> None:
    assert judge_requests({"kafka": 2046 * MIB, "postgresql": 768 * MIB}, {"kafka": 1}, 4096).ok
    assert not judge_requests({"kafka": 4097 * MIB}, {"kafka": 1}, 4096).ok
    assert not judge_requests({"kafka": None}, {"kafka": None}, 4096).ok


@pytest.mark.parametrize(
    ("text", "amount"), [("682Mi", 682 * MIB), ("250m", 0.25), ("1", 1), ("2k", 2000), ("1.5Gi", 1536 * MIB)]
)
def test_amounts_as_kubernetes_writes_them(text: str, amount: float) -> None:
    assert quantity(text) == amount


def test_an_amount_that_is_none() -> None:
    with pytest.raises(ValueError, match="no amount"):
        quantity("much")


def test_a_probe_pod_is_restricted_and_goes() -> None:
    cluster = brokers()
    state = {"containerStatuses": [{"name": "cdc-verify", "state": {"running": {}}}]}
    # Whatever its name.
    get = cluster.call

    def call(method: str, path: str, body: object = None, **query: object):
        if method == "GET" and "/pods/cdc-verify-" in path:
            return pod(path.rpartition("/")[2], "cdc-verify", False, **state)
        return get(method, path, body, **query)

    cluster.call = call  # type: ignore[method-assign]
    with probe_pod(cluster, Wanted(egress="dns", node="n1")) as mine:
        assert mine.node == "n1"
    made = [(method, path.rpartition("/")[2]) for method, path, _body in cluster.calls]
    assert made[:2] == [("POST", "pods"), ("POST", "networkpolicies")]
    assert cluster.calls[-1][0] == "DELETE" and cluster.calls[-1][2] == {"gracePeriodSeconds": 0}
    policy = cluster.calls[1][2]
    assert policy["metadata"]["ownerReferences"][0]["uid"] == "u"


def test_a_probe_pod_never_serves_and_asks_for_little() -> None:
    made = manifest(brokers(), "x", Wanted(labels={"app.kubernetes.io/name": "kafka"}, claims={"/data": "claim"}))
    spec = made["spec"]
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "kafka"
    assert spec["readinessGates"] and spec["securityContext"]["runAsNonRoot"]
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "claim"}
    assert "nodeSelector" not in spec


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        forbidden = {"kind": "Status", "message": 'nodes is forbidden: User "x" cannot list resource "nodes"'}
        status, body = (200, {"gitVersion": "v1"}) if self.path == "/version" else (403, forbidden)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Cluster]:
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    path.write_text(json.dumps(config))
    yield Cluster(ClusterAccess(kubeconfig=str(path)))
    server.shutdown()
    server.server_close()


def test_the_api_says_itself_what_is_wrong(api: Cluster) -> None:
    assert api.get("/version") == {"gitVersion": "v1"}
    with pytest.raises(ClusterError) as caught:
        api.items("/api/v1/nodes")
    assert str(caught.value) == 'nodes is forbidden: User "x" cannot list resource "nodes"'
    assert caught.value.status == 403


def test_a_kubeconfig_that_does_not_fit(tmp_path: Path, api: Cluster) -> None:
    with pytest.raises(ClusterError, match="no cluster by the kubeconfig of /none"):
        Cluster(ClusterAccess(kubeconfig="/none"))
    with pytest.raises(ClusterError, match="other"):
        Cluster(ClusterAccess(kubeconfig=api.where.kubeconfig, context="other"))


def test_a_cluster_that_is_down_is_said_to_be(tmp_path: Path, api: Cluster) -> None:
    path = tmp_path / "down"
    path.write_text(Path(api.where.kubeconfig).read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1#"))
    with pytest.raises(ClusterError, match="does not answer"):
        Cluster(ClusterAccess(kubeconfig=str(path))).get("/version")


def test_replicas_that_share_a_node():
    constraint = {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}

    def controller(name: str, *constraints: dict) -> dict:
        return {
            "metadata": {"name": name},
            "spec": {"template": {"spec": {"topologySpreadConstraints": list(constraints)}}},
        }

    def pod(name: str, node: str) -> dict:
        return {"metadata": {"labels": {"app.kubernetes.io/name": name}}, "spec": {"nodeName": node}}

    controllers = [controller("kafka", constraint), controller("archive")]
    apart = [pod("kafka", "a"), pod("kafka", "b"), pod("archive", "a"), pod("archive", "a")]
    assert pods.judge_spread(controllers, apart).ok
    found = pods.judge_spread(controllers, [*apart, pod("kafka", "b")])
    assert not found.ok and found.found == {"kafka": ["a", "b", "b"]}
