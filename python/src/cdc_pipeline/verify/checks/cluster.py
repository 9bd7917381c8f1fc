"""T1: the cluster answers, its nodes are well and alike, names are resolved, and node ports are reached from here."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.verify.probe_pod import Wanted, probe_pod
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_CONNECT_SECONDS = 5.0
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_NODE = "See the events of the node, and the log of its kubelet."
_SETTLE_SECONDS = 20.0
Object = Mapping[str, Any]


def condition(node: Object, kind: str) -> str:
    """`True`, `False` or `Unknown`."""
    return next((each["status"] for each in node["status"].get("conditions", ()) if each["type"] == kind), "Unknown")


def judge_nodes(nodes: Sequence[Object], wanted: int, runtime: str, api_version: str) -> Iterator[Finding]:
    """Number, readiness, pressures, versions and container runtimes of the nodes."""
    states = {
        node["metadata"]["name"]: "Ready" if condition(node, "Ready") == "True" else "not ready" for node in nodes
    }
    all_ready = bool(states) and set(states.values()) == {"Ready"}
    yield Finding(
        "cluster.nodes",
        "nodes of the cluster",
        f"{wanted or 'any number'}, each Ready",
        states,
        all_ready and (not wanted or len(states) == wanted),
        _NODE,
    )
    pressed = {
        node["metadata"]["name"]: found
        for node in nodes
        if (found := [kind for kind in _PRESSURES if condition(node, kind) == "True"])
    }
    yield equal("cluster.node_pressure", "nodes that run out of something", {}, pressed, _NODE)
    info = {node["metadata"]["name"]: node["status"]["nodeInfo"] for node in nodes}
    versions = {name: each["kubeletVersion"] for name, each in info.items()}
    yield Finding(
        "cluster.node_versions",
        "versions of the nodes",
        f"the same, and none newer than the API's {api_version}",
        sorted(set(versions.values())),
        len(set(versions.values())) == 1 and all(_minor(each) <= _minor(api_version) for each in versions.values()),
        "Upgrade the nodes; the API comes first.",
    )
    found = {name: each["containerRuntimeVersion"] for name, each in info.items()}
    yield Finding(
        "cluster.container_runtime",
        "container runtimes of the nodes",
        runtime or "any",
        sorted(set(found.values())),
        bool(found) and all(each.startswith(runtime) for each in found.values()),
        "Another runtime may work as well: see cluster_container_runtime.",
    )


def _minor(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()


def judge_classes(classes: Sequence[Object]) -> Finding:
    """There is one default storage class, which volumes that name none are of."""
    default = [
        each["metadata"]["name"]
        for each in classes
        if each["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true"
    ]
    names = sorted(each["metadata"]["name"] for each in classes)
    return Finding(
        "cluster.storage_class",
        "default storage class",
        "one",
        {"default": default, "all": names},
        len(default) == 1,
        f"Set the annotation {_DEFAULT_CLASS} of one class to true, or name classes in cdc_storage_classes.",
    )


def outside_addresses(
    services: Iterable[Object], access: ClusterAccess, node_address: str
) -> dict[str, tuple[str, int] | None]:
    """Where each node port of the namespace's services is reached from outside, by `service port`.

    None where the cluster's host ports do not lead to it. What is forwarded is left out, as no node port is used.
    """
    mapped = host_ports(access)
    found: dict[str, tuple[str, int] | None] = {}
    for service in services:
        for port in service["spec"].get("ports", ()):
            number = port.get("nodePort")
            if number is None:
                continue
            name = f"{service['metadata']['name']} {number}"
            if access.access == "host_ports":
                if mapped.get(number) not in access.unmapped:
                    found[name] = (access.external_host, mapped[number]) if number in mapped else None
            else:
                found[name] = (access.external_host or node_address, number)
    return found


def host_ports(access: ClusterAccess) -> dict[int, int]:
    """The port on the host for each node port that is declared."""
    found = {}
    for component in access.declared.values():
        for port in component.get("ports", {}).values():
            if port.get("node_port"):
                for ordinal in range(int(component.get("replicas", 1))):
                    add = int(port.get("step", 0)) * ordinal
                    found[int(port["node_port"]) + add] = int(port["port"]) + add + access.port_offset
    return found


def judge_ports(
    addresses: Mapping[str, tuple[str, int] | None], answers: Mapping[str, str], unmapped: Sequence[int] = ()
) -> Finding:
    """Every node port is mapped and takes connections.

    Args:
        answers: an error for each that does not.
        unmapped: host ports that are forwarded.
    """
    wrong = {name: "no host port leads there" for name, at in addresses.items() if at is None}
    wrong.update(answers)
    said = [f"{at[0]}:{at[1]}" for at in addresses.values() if at]
    forwarded = f"; forwarded, as the cluster was created without: {', '.join(map(str, unmapped))}" if unmapped else ""
    return Finding(
        "cluster.ports",
        "node ports, from the controller",
        "each takes connections",
        wrong or f"{len(said)}: {', '.join(said)}{forwarded}",
        not wrong,
        "Are the pods behind it ready? kind maps host ports only when it creates the cluster.",
    )


def _api(context: Context) -> Iterator[Finding]:
    cluster, expected = context.cluster, context.plan.expected.cluster
    version = cluster.get("/version")["gitVersion"]
    yield Finding("cluster.api", "the cluster's API", "it answers", version, True)
    nodes = wait_for(
        cluster.nodes,
        lambda found: all(condition(each, "Ready") == "True" for each in found or ()),
        _SETTLE_SECONDS,
        pause=1,
    )
    if nodes is not None:
        yield from judge_nodes(nodes, expected.nodes, expected.container_runtime, version)
    if "" in context.plan.expected.storage.classes:
        yield judge_classes(cluster.items("/apis/storage.k8s.io/v1/storageclasses"))


def _ports(context: Context) -> Iterator[Finding]:
    cluster, access = context.cluster, context.plan.cluster
    if access is None or access.access not in ("host_ports", "node_ports"):
        return
    services = cluster.items(cluster.path("services"), labelSelector="app.kubernetes.io/part-of=cdc-pipeline")
    node_address = "" if access.external_host else _node_address(cluster.nodes() or ())
    addresses = outside_addresses(services, access, node_address)
    with ThreadPoolExecutor(8) as pool:
        tried = dict(zip(addresses, pool.map(_connect, addresses.values()), strict=True))
    yield judge_ports(addresses, {name: error for name, error in tried.items() if error}, access.unmapped)


def _node_address(nodes: Sequence[Object]) -> str:
    found = {each["type"]: each["address"] for node in nodes for each in node["status"].get("addresses", ())}
    return found.get("ExternalIP") or found.get("InternalIP", "")


def _connect(address: tuple[str, int] | None) -> str:
    """An error, or nothing."""
    if address is None:
        return ""
    try:
        socket.create_connection(address, _CONNECT_SECONDS).close()
    except OSError as error:
        return f"{address[0]}:{address[1]}: {error}"
    return ""


def _dns(context: Context) -> Iterator[Finding]:
    cluster = context.cluster
    names = [f"kubernetes.default.svc.{cluster.where.domain}", "kubernetes.default.svc"]
    with probe_pod(cluster, Wanted(egress="dns")) as pod:
        found = {name: pod.resolve(name) for name in names}
    yield Finding(
        "cluster.dns",
        f"names as a pod on {pod.node} resolves them",
        "an address each",
        found,
        all(re.fullmatch(r"[\d.]+|[\da-f:]+", each) for each in found.values()),
        "Check the cluster's DNS: the pods k8s-app=kube-dns in kube-system.",
    )


STEPS = (
    Step(
        "cluster.api",
        "cluster",
        _api,
        "T1",
        ("api", "nodes", "node_pressure", "node_versions", "container_runtime", "storage_class"),
        cluster=True,
    ),
    Step("cluster.ports", "cluster", _ports, "T1", ("ports",), cluster=True),
    Step("cluster.dns", "cluster", _dns, "T1", ("dns",), cluster=True, writes=True),
)
