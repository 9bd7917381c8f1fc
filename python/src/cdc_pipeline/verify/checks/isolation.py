"""T3: who reaches whom. Pods with a workload's labels, for which its policies hold, try every port of every other.

So does a pod of no workload, and one whose own way out is open, so that only the others' policies keep it off.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.probe_pod import NAME, ProbePod, Wanted, probe_pod
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_POLICIES = "networking.k8s.io/v1"
_PART_OF = "app.kubernetes.io/part-of"
_WORKLOAD = "app.kubernetes.io/name"
_MINE = f"cdc-pipeline/{NAME}"
_STRANGER = "a pod of no workload"
_FREE_STRANGER = "a pod that may connect anywhere"
_HINT = "Does the network plugin enforce policies? Run the tag tenancy. kubectl get networkpolicy shows them."
_CLIENTS_HINT = "Does cdc_network_clients exclude the addresses of the cluster's pods?"
_SECONDS = 3.0
# Until a policy holds on every node.
_SETTLE_SECONDS = 15.0
_PORT = 18099
_ARRIVED, _TIMED_OUT = "arrived", "timed out"
# Tries all addresses at once. What is refused has arrived; what a policy forbids is dropped, and that is a time-out.
_TRY = f"""\
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def outcome(address):
    try:
        socket.create_connection(tuple(address), float(sys.argv[1])).close()
    except ConnectionRefusedError:
        return {_ARRIVED!r}
    except TimeoutError:
        return {_TIMED_OUT!r}
    except OSError as error:
        return type(error).__name__ + ': ' + str(error)
    return {_ARRIVED!r}
addresses = json.loads(sys.argv[2])
with ThreadPoolExecutor(len(addresses)) as pool:
    print(json.dumps(list(pool.map(outcome, addresses))))
"""
_SERVE = """\
import socket, sys, time
server = socket.create_server(('', int(sys.argv[1])))
server.settimeout(1)
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    try:
        server.accept()[0].close()
    except TimeoutError:
        pass
"""
Address = tuple[str, int]
Object = Mapping[str, Any]


def judge_flows(
    source: str, allowed: Mapping[str, Sequence[str]], outcomes: Mapping[str, Mapping[str, str]]
) -> Finding:
    """A source reaches the ports that it may, and every other attempt times out.

    Args:
        allowed: names of ports, of each workload.
        outcomes: of trying each port of each workload: `arrived`, `timed out`, or another error.
    """
    found = {
        name: sorted(port if outcome == _ARRIVED else f"{port} ({outcome})" for port, outcome in seen.items())
        for name, each in outcomes.items()
        if (seen := {port: outcome for port, outcome in each.items() if outcome != _TIMED_OUT})
    }
    return equal(
        f"tenancy.flows.{source.replace(' ', '_')}",
        f"what {source} reaches, of every port of {', '.join(outcomes)}; all else times out",
        {name: sorted(ports) for name, ports in allowed.items() if name in outcomes},
        found,
        _CLIENTS_HINT if source == _FREE_STRANGER else _HINT,
    )


def targets(pods: Mapping[str, Sequence[Object]], declared: Mapping[str, Any]) -> dict[str, dict[str, Address]]:
    """The address of every port, by its name, of one pod of each workload.

    Args:
        declared: `cdc_endpoints`.
    """
    found = {}
    for component, endpoint in declared.items():
        name = component.replace("_", "-")
        address = next((pod["status"]["podIP"] for pod in pods.get(name, ()) if pod["status"].get("podIP")), "")
        if not address:
            continue
        found[name] = {port: (address, int(each["port"])) for port, each in endpoint["ports"].items()}
        # Where clients outside of the cluster have a port of their own, no workload may use it.
        for port, each in endpoint["ports"].items():
            if each.get("outside_port"):
                found[name][f"{port} from outside"] = (address, int(each["outside_port"]))
    return found


def _known(context: Context) -> dict[str, dict[str, Address]]:
    cluster, flows = context.cluster, context.plan.expected.tenancy.flows
    known = targets({name: cluster.pods(name) for name in flows}, cluster.where.declared)
    if missing := sorted(set(flows) - set(known)):
        raise LookupError(f"no pod of {', '.join(missing)} has an address")
    return known


def _flows(context: Context) -> Iterator[Finding]:
    cluster, flows = context.cluster, context.plan.expected.tenancy.flows
    if not flows:
        return
    known = _known(context)
    sources = {**{name: {_WORKLOAD: name, _PART_OF: "cdc-pipeline"} for name in flows}, _STRANGER: {}}
    with ThreadPoolExecutor(len(sources)) as pool:
        expected = [flows.get(source, {}) for source in sources]
        outcomes = pool.map(lambda labels, ports: _from_pod(cluster, labels, known, ports), sources.values(), expected)
        for source, allowed, found in zip(sources, expected, outcomes, strict=True):
            yield judge_flows(source, allowed, found)


def _from_pod(
    cluster: Cluster,
    labels: Mapping[str, str],
    known: Mapping[str, Mapping[str, Address]],
    allowed: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, str]]:
    with probe_pod(cluster, Wanted(labels=labels)) as pod:
        return _outcomes(pod, known, allowed)


def _outcomes(
    pod: ProbePod, known: Mapping[str, Mapping[str, Address]], allowed: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, str]]:
    """What becomes of trying each port of each workload."""
    addresses = [address for each in known.values() for address in each.values()]
    reachable = {each[port] for name, each in known.items() for port in allowed.get(name, ()) if port in each}
    wanted = [_ARRIVED if address in reachable else _TIMED_OUT for address in addresses]
    # Policies may take a moment to hold for a new pod, in either direction.
    got = wait_for(lambda: _try(pod, addresses), lambda found: found == wanted, _SETTLE_SECONDS)
    by_address = dict(zip(addresses, got, strict=True))
    return {name: {port: by_address[address] for port, address in each.items()} for name, each in known.items()}


def _try(pod: ProbePod, addresses: Sequence[Address]) -> list[str]:
    output = pod.python(_TRY, str(_SECONDS), json.dumps(addresses), seconds=_SECONDS + 20)
    if output.code:
        raise ClusterError(f"pod {pod.name}: {output.err.strip().rpartition(chr(10))[2]}")
    return json.loads(output.out)


def _deny(context: Context) -> Iterator[Finding]:
    """One connection, from node to node: with both policies, with each of them alone, and with none."""
    cluster = context.cluster
    nodes = _nodes(cluster)
    with ExitStack() as stack:
        client, server = (
            stack.enter_context(probe_pod(cluster, Wanted(node=nodes[number % len(nodes)]))) for number in (0, 1)
        )
        address = (server.pod["status"]["podIP"], _PORT)
        served = stack.enter_context(_listening(server))
        where = f"from a pod on {client.node} to one on {server.node}"

        def outcome() -> str:
            return _try(client, [address])[0] if served.is_alive() else "no listener"

        def until(wanted: str) -> str:
            return wait_for(outcome, lambda found: found == wanted, _SETTLE_SECONDS, pause=0.5)

        yield equal(
            "tenancy.default_deny", f"a connection that no policy allows, {where}", _TIMED_OUT, outcome(), _HINT
        )
        with _policy(cluster, client, "Egress"):
            with _policy(cluster, server, "Ingress"):
                what = f"a connection that policies of both sides allow, {where}"
                yield equal("tenancy.allowed", what, _ARRIVED, until(_ARRIVED), _HINT)
            what = f"the same without the policy that lets it in, {where}"
            yield equal("tenancy.ingress_denied", what, _TIMED_OUT, until(_TIMED_OUT), _HINT)
            # It has been let out, as the connection that arrived shows: now what keeps it off is the other side's.
            if context.plan.expected.tenancy.flows:
                yield judge_flows(_FREE_STRANGER, {}, _outcomes(client, _known(context), {}))
        with _policy(cluster, server, "Ingress"):
            what = f"the same without the policy that lets it out, {where}"
            yield equal("tenancy.egress_denied", what, _TIMED_OUT, until(_TIMED_OUT), _HINT)


def _nodes(cluster: Cluster) -> list[str]:
    """Nodes that take pods, by the label that pods choose them by; `""`, which is any, where they cannot be seen."""
    return [
        node["metadata"]["labels"]["kubernetes.io/hostname"]
        for node in cluster.nodes() or ()
        if not node["spec"].get("unschedulable")
        and any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    ][-2:] or [""]


@contextmanager
def _listening(pod: ProbePod) -> Iterator[threading.Thread]:
    """A server in the pod, which ends with the pod."""
    seconds = 7 * _SETTLE_SECONDS

    def serve() -> None:
        # The pod is deleted while it listens.
        try:
            pod.python(_SERVE, str(_PORT), str(seconds), seconds=seconds + 5)
        except ClusterError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield thread


@contextmanager
def _policy(cluster: Cluster, pod: ProbePod, direction: str) -> Iterator[None]:
    """All connections of the pod in one direction are allowed, for the time being."""
    name = f"{pod.name}-{direction.lower()}"
    owner = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.pod["metadata"]["uid"]}
    rule = {"podSelector": {"matchLabels": {_MINE: pod.name}}, "policyTypes": [direction], direction.lower(): [{}]}
    policy = {
        "apiVersion": _POLICIES,
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": {_WORKLOAD: NAME}, "ownerReferences": [owner]},
        "spec": rule,
    }
    cluster.create(policy, "networkpolicies", _POLICIES)
    try:
        yield
    finally:
        cluster.delete("networkpolicies", name, _POLICIES)


STEPS = (
    Step("tenancy.flows", "tenancy", _flows, "T3", ("flows.<pod>",), cluster=True, writes=True),
    Step(
        "tenancy.default_deny",
        "tenancy",
        _deny,
        "T3",
        ("default_deny", "allowed", "ingress_denied", "egress_denied", "flows.a_pod_that_may_connect_anywhere"),
        cluster=True,
        writes=True,
    ),
)
