# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kubernetes runtime, decided: the manifests of a workload. Pure; nothing here talks to a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._contents import as_base64, digest
from ..spec.access import PORT_FORWARD, uses_node_ports
from ..spec.errors import SpecError
from ..spec.model import CHECK_PREFIX, Check, InitStep, Port, Probe, Workload
from .pods import ORDINAL_VARIABLE, PATHS, PEOPLE, REPLICA_VARIABLE, Cluster, Pods, headless, key_of, pods

Manifest = dict[str, Any]

_DIGEST = "cdc-pipeline/config-digest"
# Of a pod: what the workload's replicas had in common when it was made.
IN_COMMON = "cdc-pipeline/in-common"
# Of every object that a workload is made of: what carries it and is no longer made goes.
WORKLOAD_LABEL = "cdc-pipeline/workload"
# Of every pod, and of what makes it; and what chooses those of all workloads in a query.
NAME_LABEL = "app.kubernetes.io/name"
PART = "app.kubernetes.io/part-of=cdc-pipeline"
# The secret by which servers know people.
PEOPLE_SECRET = "people"
PEOPLE_CHOSEN = f"{NAME_LABEL}={PEOPLE_SECRET},{PART}"
# Any user without rights; a database's files belong to it, so it must stay the same.
_USER = 10001
# Runs a first step unless what it makes is there: an init container runs at each start of a pod.
_ONCE = ["/bin/sh", "-ec", 'test -e "$0" || exec "$@"']
_STATE = ("data", "log", "tmp")
_DISRUPTED = {"type": "DisruptionTarget", "status": "True"}
# Of each outcome, with their pods and so with their logs.
_KEPT_RUNS = 3
# Where names are resolved, as a policy sees it: the pods behind the service, and the port that they listen on.
_DNS = ("kube-system", 53)
_OPENSHIFT_DNS = ("openshift-dns", 5353)
# The namespaces of OpenShift's router, which runs as pods or in the nodes' network.
_OPENSHIFT_ROUTERS = ("policy-group.network.openshift.io/ingress", "policy-group.network.openshift.io/host-network")


def manifests(workload: Workload, cluster: Cluster) -> list[Manifest]:
    """Every object of ``workload``, in the order in which to apply them.

    Raises:
        SpecError: the workload cannot be one of a cluster; with every problem.
    """
    made = pods(workload, cluster)
    found = [_service_account(made), _config_map(made), _secret(made), *_network_policies(made)]
    # What makes pods comes last, when all that a pod needs is there.
    if workload.kind == "service":
        found += [*_services(made), _disruption_budget(made)]
        found.append(_stateful_set(made) if _keeps_state(workload) else _deployment(made))
    elif workload.kind == "job":
        found.append(_job(made))
    else:
        found.append(_cron_job(made))
    return [item for item in found if item is not None]


def _keeps_state(workload: Workload) -> bool:
    """Whether replicas need a name or a volume of their own.

    What has a port for each replica keeps its names from the first one on, so that more can be added beside it.
    """
    return workload.storage is not None or workload.replicas > 1 or any(port.step for port in workload.ports.values())


def _labels(name: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "cdc-pipeline",
        "app.kubernetes.io/managed-by": "ansible",
    }


def selector(name: str) -> str:
    """What chooses the pods and claims of the workload ``name``, as the API takes it in a query."""
    return ",".join(f"{key}={value}" for key, value in selector_labels(name).items())


def selector_labels(name: str) -> dict[str, str]:
    """The labels of the pods and claims of the workload ``name``."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "cdc-pipeline"}


def _object(version: str, kind: str, name: str, made: Pods, **parts: Any) -> Manifest:
    labels = {**_labels(made.workload.name), WORKLOAD_LABEL: made.workload.name}
    metadata = {"name": name, "namespace": made.cluster.namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def _account_name(workload: Workload) -> str:
    return workload.service_account or f"{workload.name}-sa"


def _service_account(made: Pods) -> Manifest:
    account = _object("v1", "ServiceAccount", _account_name(made.workload), made, automountServiceAccountToken=False)
    annotations = made.cluster.account_annotations.get(made.workload.name)
    if annotations:
        account["metadata"]["annotations"] = {name: str(value) for name, value in annotations.items()}
    return account


def _config_map(made: Pods) -> Manifest | None:
    if not made.files:
        return None
    texts = {key: content for key, content in made.files.items() if isinstance(content, str)}
    binary = {key: as_base64(content) for key, content in made.files.items() if isinstance(content, bytes)}
    parts = {"data": texts, "binaryData": binary}
    filled = {name: part for name, part in parts.items() if part}
    return _object("v1", "ConfigMap", f"{made.workload.name}-config", made, **filled)


def _secret(made: Pods) -> Manifest | None:
    if not made.secrets:
        return None
    data = {key: as_base64(content) for key, content in made.secrets.items()}
    return _object("v1", "Secret", f"{made.workload.name}-secrets", made, type="Opaque", data=data)


def _digest(made: Pods) -> str:
    """Of everything that a process reads at its start; a change of it restarts the pods one after the other."""
    return digest([dict(made.files), dict(made.secrets)])


def _services(made: Pods) -> list[Manifest]:
    workload = made.workload
    if not workload.ports:
        return []
    ports = [_service_port(port) for port in workload.ports.values()]
    selector = selector_labels(workload.name)
    found = [
        # Members of a quorum look for each other before they are ready.
        _object(
            "v1",
            "Service",
            headless(workload),
            made,
            spec={"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector, "ports": ports},
        ),
        _object("v1", "Service", workload.name, made, spec={"type": "ClusterIP", "selector": selector, "ports": ports}),
    ]
    if made.cluster.openshift:
        return found + [_route(made, port) for port in _from_outside(made)]
    for port in workload.ports.values():
        if port.node_port is None or not uses_node_ports(made.cluster.access):
            continue
        if not port.step:
            found.append(_node_port(made, port, f"{workload.name}-{port.name}-outside", selector, 0))
            continue
        # A client that was told the address of one replica must reach that one.
        for ordinal, name in enumerate(workload.replica_names()):
            own = {**selector, "statefulset.kubernetes.io/pod-name": name}
            found.append(_node_port(made, port, f"{name}-{port.name}-outside", own, port.step * ordinal))
    return found


def _service_port(port: Port) -> Manifest:
    return {"name": port.name.replace("_", "-"), "port": port.port, "targetPort": port.name.replace("_", "-")}


def _node_port(made: Pods, port: Port, name: str, selector: Mapping[str, str], add: int) -> Manifest:
    ports = [{**_service_port(port), "nodePort": (port.node_port or 0) + add}]
    if port.outside_port is not None:
        ports[0]["targetPort"] = port.outside_port
    spec = {"type": "NodePort", "externalTrafficPolicy": "Cluster", "selector": dict(selector), "ports": ports}
    return _object("v1", "Service", name.replace("_", "-"), made, spec=spec)


def _from_outside(made: Pods) -> list[Port]:
    """The ports that clients outside of the cluster reach. OpenShift's router leads to what is routable alone."""
    if made.cluster.openshift and made.workload.name not in made.cluster.routable:
        return []
    return [port for port in made.workload.ports.values() if port.is_outside]


def _termination(made: Pods) -> Manifest:
    """The router encrypts again towards pods that encrypt, and checks their certificate."""
    if made.workload.name not in made.cluster.encrypted:
        return {"termination": "edge"}
    ca = made.cluster.encrypted[made.workload.name]
    return {"termination": "reencrypt", **({"destinationCACertificate": ca} if ca else {})}


def _route(made: Pods, port: Port) -> Manifest:
    """OpenShift's way in. Without a host, its router names it after the route, the namespace and its own domain."""
    spec: Manifest = {
        "to": {"kind": "Service", "name": made.workload.name, "weight": 100},
        "port": {"targetPort": port.name.replace("_", "-")},
        "tls": {**_termination(made), "insecureEdgeTerminationPolicy": "Redirect"},
        "wildcardPolicy": "None",
    }
    name = f"{made.workload.name}-{port.name}".replace("_", "-")
    if made.cluster.route_domain:
        spec["host"] = f"{name}-{made.cluster.namespace}.{made.cluster.route_domain}"
    return _object("route.openshift.io/v1", "Route", name, made, spec=spec)


def _disruption_budget(made: Pods) -> Manifest | None:
    if made.workload.replicas < 2:
        return None
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector_labels(made.workload.name)}}
    return _object("policy/v1", "PodDisruptionBudget", made.workload.name, made, spec=spec)


def _stateful_set(made: Pods) -> Manifest:
    workload = made.workload
    spec: Manifest = {
        "replicas": workload.replicas,
        "serviceName": headless(workload),
        # A quorum needs its members at once; what changes goes from pod to pod all the same.
        "podManagementPolicy": "Parallel",
        # The realiser looks at the rolling gate before it deletes a pod; without a gate the controller goes on alone.
        "updateStrategy": {"type": "OnDelete" if made.template.gate else "RollingUpdate"},
        "selector": {"matchLabels": selector_labels(workload.name)},
        "template": _template(made, "Always"),
    }
    if workload.storage is not None:
        named = workload.storage.storage_class
        claim: Manifest = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": _bytes(workload.storage.size)}},
        }
        # An empty class would be none at all; the cluster's default is what is not named.
        if named and made.cluster.storage_classes.get(named):
            claim["storageClassName"] = made.cluster.storage_classes.get(named)
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    return _object("apps/v1", "StatefulSet", workload.name, made, spec=spec)


def _deployment(made: Pods) -> Manifest:
    spec = {
        "replicas": made.workload.replicas,
        # One at a time, the old one first: what keeps no state of its own may still lock something outside.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector_labels(made.workload.name)},
        "template": _template(made, "Always"),
    }
    return _object("apps/v1", "Deployment", made.workload.name, made, spec=spec)


def _job_spec(made: Pods) -> Manifest:
    spec: Manifest = {
        # As on a host, a failure is reported, not repeated. A pod that a node's drain takes away has not failed.
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [_DISRUPTED]}]},
        "template": _template(made, "Never"),
    }
    if made.workload.deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = made.workload.deadline_seconds
    return spec


def _job(made: Pods) -> Manifest:
    # A job cannot be changed, so another one gets another name.
    spec = _job_spec(made)
    name = f"{made.workload.name}-{digest([spec, _digest(made)])[:8]}"
    return _object("batch/v1", "Job", name, made, spec=spec)


def _cron_job(made: Pods) -> Manifest:
    workload = made.workload
    spec: Manifest = {
        "schedule": workload.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        # What was paused by a stop goes on.
        "suspend": False,
        "successfulJobsHistoryLimit": _KEPT_RUNS,
        "failedJobsHistoryLimit": _KEPT_RUNS,
        "jobTemplate": {"metadata": {"labels": _labels(workload.name)}, "spec": _job_spec(made)},
    }
    if workload.starting_deadline_seconds is not None:
        spec["startingDeadlineSeconds"] = workload.starting_deadline_seconds
    return _object("batch/v1", "CronJob", workload.name, made, spec=spec)


def _template(made: Pods, restart: str) -> Manifest:
    workload, template = made.workload, made.template
    main: Manifest = {
        "name": workload.name,
        **_container(made, template.command),
        "ports": _container_ports(workload),
        "resources": _resources(workload),
    }
    for kind in ("startup", "readiness", "liveness"):
        if kind in template.probes:
            main[f"{kind}Probe"] = _probe(template.probes[kind])
    if "liveness" in template.probes and "startup" not in template.probes:
        # Without it, the liveness probe would kill a slow start.
        start = template.probes.get("readiness", template.probes["liveness"])
        main["startupProbe"] = {**_probe(start), "failureThreshold": max(60, start.failure_threshold)}
    if made.image.stop_signal != workload.stop_signal:
        # The runtime sends the image's own, which is SIGTERM where it says nothing.
        # By the shell, since a slim image has no /bin/kill. The SIGTERM that follows finds it stopping.
        stop = ["/bin/sh", "-c", f"kill -{workload.stop_signal} 1"]
        main["lifecycle"] = {"preStop": {"exec": {"command": stop}}}
    spec: Manifest = {
        "serviceAccountName": _account_name(workload),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": workload.stop_grace,
        "securityContext": _pod_security(made),
        "containers": [main],
        "volumes": _volumes(made),
    }
    before = [_check_container(made, check) for check in template.checks]
    before += [_init_container(made, step) for step in template.init]
    if before:
        spec["initContainers"] = before
    if workload.kind == "service" and not _keeps_state(workload):
        # The name that a stateful set's first replica has, so that addresses do not depend on the kind.
        spec["hostname"], spec["subdomain"] = f"{workload.name}-0", headless(workload)
    if made.cluster.tolerations:
        spec["tolerations"] = [dict(item) for item in made.cluster.tolerations]
    if made.cluster.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in made.cluster.image_pull_secrets]
    if workload.kind == "service" and workload.replicas > 1:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": selector_labels(workload.name)},
            }
        ]
    in_common = {IN_COMMON: workload.in_common} if workload.in_common else {}
    metadata = {"labels": _labels(workload.name), "annotations": {_DIGEST: _digest(made), **in_common}}
    return {"metadata": metadata, "spec": spec}


def _pod_security(made: Pods) -> Manifest:
    user = made.image.user or _USER
    # OpenShift gives each namespace its own range of users, and refuses any other (SCC restricted-v2).
    chosen = {} if made.cluster.openshift else {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    return {
        "runAsNonRoot": True,
        **chosen,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container_ports(workload: Workload) -> list[Manifest]:
    ports = workload.ports.values()
    found: list[Manifest] = [{"name": port.name.replace("_", "-"), "containerPort": port.port} for port in ports]
    return found + [{"containerPort": port.outside_port} for port in ports if port.outside_port is not None]


def _container(made: Pods, command: Sequence[str]) -> Manifest:
    return {
        "image": made.image.name,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "env": _environment(made),
        "volumeMounts": _mounts(made),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _init_container(made: Pods, step: InitStep) -> Manifest:
    command = [*_ONCE, step.creates, *step.command] if step.creates else list(step.command)
    return {"name": step.name, **_container(made, command), "resources": _resources(made.workload)}


def _check_container(made: Pods, check: Check) -> Manifest:
    container = _container(made, check.command)
    return {"name": f"{CHECK_PREFIX}{check.name}", **container, "resources": _resources(made.workload)}


def _environment(made: Pods) -> list[Manifest]:
    """The replica's name and number come first, since the others may refer to them."""
    found: list[Manifest] = []
    name = made.workload.name
    if _keeps_state(made.workload):
        found.append(_field(REPLICA_VARIABLE, "metadata.name"))
        found.append(_field(ORDINAL_VARIABLE, "metadata.labels['apps.kubernetes.io/pod-index']"))
    else:
        found += [{"name": REPLICA_VARIABLE, "value": f"{name}-0"}, {"name": ORDINAL_VARIABLE, "value": "0"}]
    base = {"HOME": PATHS["tmp"], "TMPDIR": PATHS["tmp"], **made.image.env, **made.template.env}
    return found + [{"name": name, "value": value} for name, value in base.items()]


def _field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _volumes(made: Pods) -> list[Manifest]:
    name = made.workload.name
    found: list[Manifest] = []
    if made.files:
        found.append({"name": "config", "configMap": {"name": f"{name}-config", "defaultMode": 0o444}})
    if made.secrets:
        # Readable by the group, which is the pod's own (fsGroup); the owner is root.
        found.append({"name": "secrets", "secret": {"secretName": f"{name}-secrets", "defaultMode": 0o440}})
    if made.workload.people:
        # `cdc user` makes the secret, and changes it while pods run.
        item = {"key": made.workload.people, "path": made.workload.people}
        secret = {"secretName": PEOPLE_SECRET, "optional": True, "defaultMode": 0o440, "items": [item]}
        found.append({"name": "people", "secret": secret})
    found += [{"name": kind, "emptyDir": {}} for kind in ("log", "tmp")]
    if made.workload.storage is None:
        found.append({"name": "data", "emptyDir": {}})
    return found


def _mounts(made: Pods) -> list[Manifest]:
    found: list[Manifest] = []
    for kind, names in (("config", made.template.files), ("secrets", made.template.secrets)):
        for name in names:
            mount: Manifest = {"name": kind, "mountPath": f"{PATHS[kind]}/{name}", "readOnly": True}
            if name in made.varying:
                mount["subPathExpr"] = f"$({REPLICA_VARIABLE}).{key_of(name)}"
            else:
                mount["subPath"] = key_of(name)
            found.append(mount)
    if made.workload.people:
        # As a folder: what is mounted as a file is never brought up to date.
        found.append({"name": "people", "mountPath": PEOPLE, "readOnly": True})
    return found + [{"name": kind, "mountPath": PATHS[kind]} for kind in _STATE]


def _resources(workload: Workload) -> Manifest:
    known = workload.resources
    requests = {"cpu": _millis(known.cpu_request), "memory": _bytes(known.memory_request)}
    limits = {"cpu": _millis(known.cpu_limit), "memory": _bytes(known.memory_limit)}
    found = {"requests": _known(requests), "limits": _known(limits)}
    return {name: part for name, part in found.items() if part}


def _known(parts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in parts.items() if value is not None}


def _millis(value: int | None) -> str | None:
    if value is None:
        return None
    return str(value // 1000) if value % 1000 == 0 else f"{value}m"


def _bytes(value: int | None) -> str | None:
    if value is None:
        return None
    for unit, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)


def _probe(probe: Probe) -> Manifest:
    found: Manifest = {
        # A cluster counts whole seconds.
        "periodSeconds": max(1, round(probe.period_seconds)),
        "timeoutSeconds": max(1, round(probe.timeout_seconds)),
        "failureThreshold": probe.failure_threshold,
    }
    if probe.tcp:
        found["tcpSocket"] = {"port": probe.tcp.replace("_", "-")}
    elif probe.http_port:
        found["httpGet"] = {"port": probe.http_port.replace("_", "-"), "path": probe.http_path}
        if probe.http_scheme != "http":
            found["httpGet"]["scheme"] = probe.http_scheme.upper()
        if probe.http_headers:
            found["httpGet"]["httpHeaders"] = [
                {"name": name, "value": value} for name, value in probe.http_headers.items()
            ]
    else:
        found["exec"] = {"command": list(probe.exec)}
    return found


def _network_policies(made: Pods) -> list[Manifest]:
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
            found.append(_object("networking.k8s.io/v1", "NetworkPolicy", name, made, spec=spec))
        else:
            names = ", ".join(sorted({*cluster.peers, *cluster.outside})) or "none"
            problems.append(f"talks_to: {peer.name!r} is no workload and no external that is known ({names})")
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
        found.insert(0, _object("networking.k8s.io/v1", "NetworkPolicy", f"{workload.name}-egress", made, spec=spec))
    from_outside = _rule_from_outside(made)
    if from_outside:
        spec = {
            "podSelector": {"matchLabels": selector_labels(workload.name)},
            "policyTypes": ["Ingress"],
            "ingress": [from_outside],
        }
        found.append(_object("networking.k8s.io/v1", "NetworkPolicy", f"{workload.name}-outside", made, spec=spec))
    return found


def _rule_from_outside(made: Pods) -> Manifest | None:
    """Into what clients outside of the cluster reach; None for nothing. On OpenShift it is the router that comes."""
    ports = [{"protocol": "TCP", "port": port.for_outside} for port in _from_outside(made)]
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
