# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may talk to a workload, and to whom it may talk."""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.access import PORT_FORWARD
from ...spec.errors import SpecError
from ..pods import Pods
from .labels import Manifest, labelled, selector_labels
from .route import from_outside

# Where names are resolved, as a policy sees it: the pods behind the service, and the port that they listen on.
_DNS = ("kube-system", 53)
_OPENSHIFT_DNS = ("openshift-dns", 5353)
# The namespaces of OpenShift's router, which runs as pods or in the nodes' network.
_OPENSHIFT_ROUTERS = ("policy-group.network.openshift.io/ingress", "policy-group.network.openshift.io/host-network")


def network_policies(made: Pods) -> list[Manifest]:
    """What ``talks_to`` allows, from both sides: out of this workload, and into the one it talks to.

    Both are stated here, so that no workload has to know who talks to it. Everything else is denied by the
    namespace's own policy.
    """
    workload, cluster = made.workload, made.cluster
    own = {"podSelector": {"matchLabels": selector_labels(workload.name)}}
    found = []
    egress: list[Manifest] = []
    problems = []
    for peer in workload.talks_to:
        outside = peer.name in cluster.outside
        if peer.name == workload.name:
            known = {name: port.port for name, port in workload.ports.items()}
        else:
            known = {} if outside else cluster.peers.get(peer.name, {})
        wrong = [port for port in peer.ports if port not in known and not port.isdigit()]
        ports = [known.get(port) or int(port) for port in peer.ports if port not in wrong] or list(known.values())
        if outside:
            # What stands for a workload may listen elsewhere than it.
            egress.append(_rule("to", [dict(cluster.outside[peer.name])], ports))
        elif wrong and known:
            names = ", ".join(known)
            problems.append(f"talks_to: {peer.name!r} has no port {', '.join(wrong)} (it has {names})")
        elif peer.name == workload.name or peer.name in cluster.peers:
            egress.append(_rule("to", [{"podSelector": {"matchLabels": selector_labels(peer.name)}}], ports))
            spec = {
                "podSelector": {"matchLabels": selector_labels(peer.name)},
                "policyTypes": ["Ingress"],
                "ingress": [_rule("from", [own], ports)],
            }
            name = f"{workload.name}-to-{peer.name}"
            found.append(labelled("networking.k8s.io/v1", "NetworkPolicy", name, made, spec=spec))
        else:
            names = ", ".join(sorted({*cluster.peers, *cluster.outside})) or "none"
            problems.append(f"talks_to: {peer.name!r} is neither a known workload nor a known external ({names})")
    if problems:
        raise SpecError(workload.name, problems)
    if egress:
        # Names are needed to reach anything.
        namespace, port = _OPENSHIFT_DNS if cluster.openshift else _DNS
        dns = {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}],
            "ports": [{"protocol": protocol, "port": port} for protocol in ("UDP", "TCP")],
        }
        spec = {
            "podSelector": {"matchLabels": selector_labels(workload.name)},
            "policyTypes": ["Egress"],
            "egress": [dns, *egress],
        }
        found.insert(0, labelled("networking.k8s.io/v1", "NetworkPolicy", f"{workload.name}-egress", made, spec=spec))
    into = _rule_from_outside(made)
    if into:
        spec = {
            "podSelector": {"matchLabels": selector_labels(workload.name)},
            "policyTypes": ["Ingress"],
            "ingress": [into],
        }
        found.append(labelled("networking.k8s.io/v1", "NetworkPolicy", f"{workload.name}-outside", made, spec=spec))
    return found


def _rule_from_outside(made: Pods) -> Manifest | None:
    """Into what clients outside of the cluster reach; None for nothing. On OpenShift it is the router that comes."""
    ports = [{"protocol": "TCP", "port": port.for_outside} for port in from_outside(made)]
    # A forwarded port comes by way of the kubelet, which no policy holds up.
    if not ports or made.cluster.access == PORT_FORWARD:
        return None
    peers = [dict(peer) for peer in made.cluster.clients]
    if made.cluster.openshift:
        peers = [{"namespaceSelector": {"matchLabels": {label: ""}}} for label in _OPENSHIFT_ROUTERS]
    # A rule without peers would let in everybody, the pods of other namespaces too.
    return {"from": peers, "ports": ports} if peers else None


def _rule(direction: str, peers: list[Manifest], ports: Sequence[int]) -> Manifest:
    rule: Manifest = {direction: peers}
    if ports:
        rule["ports"] = [{"protocol": "TCP", "port": port} for port in ports]
    return rule
