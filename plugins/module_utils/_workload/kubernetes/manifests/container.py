# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The containers of a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...spec.model import CHECK_PREFIX, Check, InitStep, Probe, Workload
from ..pods import ORDINAL_VARIABLE, PATHS, PEOPLE, REPLICA_VARIABLE, Pods, keeps_state, key_of
from .labels import Manifest
from .quantities import cpu, size

# Runs an init step unless what it creates exists: an init container runs at each start of a pod.
_ONCE = ["/bin/sh", "-ec", 'test -e "$0" || exec "$@"']
_STATE = ("data", "log", "tmp")


def container_ports(workload: Workload) -> list[Manifest]:
    """The ports that a workload listens on."""
    ports = workload.ports.values()
    found: list[Manifest] = [{"name": port.name.replace("_", "-"), "containerPort": port.port} for port in ports]
    return found + [{"containerPort": port.outside_port} for port in ports if port.outside_port is not None]


def container(made: Pods, command: Sequence[str]) -> Manifest:
    """What the containers of a workload have in common."""
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


def init_container(made: Pods, step: InitStep) -> Manifest:
    """A step before the start."""
    command = [*_ONCE, step.creates, *step.command] if step.creates else list(step.command)
    return {"name": step.name, **container(made, command), "resources": resources(made.workload)}


def check_container(made: Pods, check: Check) -> Manifest:
    """A check of the files before the start."""
    name = f"{CHECK_PREFIX}{check.name}"
    return {"name": name, **container(made, check.command), "resources": resources(made.workload)}


def _environment(made: Pods) -> list[Manifest]:
    """The replica's name and number come first, since the others may refer to them."""
    found: list[Manifest] = []
    name = made.workload.name
    if keeps_state(made.workload):
        found.append(_field(REPLICA_VARIABLE, "metadata.name"))
        found.append(_field(ORDINAL_VARIABLE, "metadata.labels['apps.kubernetes.io/pod-index']"))
    else:
        found += [{"name": REPLICA_VARIABLE, "value": f"{name}-0"}, {"name": ORDINAL_VARIABLE, "value": "0"}]
    base = {"HOME": PATHS["tmp"], "TMPDIR": PATHS["tmp"], **made.image.env, **made.template.env}
    return found + [{"name": name, "value": value} for name, value in base.items()]


def _field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


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


def resources(workload: Workload) -> Manifest:
    """What a container asks for, and what it may use."""
    known = workload.resources
    requests = {"cpu": cpu(known.cpu_request), "memory": size(known.memory_request)}
    limits = {"cpu": cpu(known.cpu_limit), "memory": size(known.memory_limit)}
    found = {"requests": _known(requests), "limits": _known(limits)}
    return {name: part for name, part in found.items() if part}


def _known(parts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in parts.items() if value is not None}


def probe_of(probe: Probe) -> Manifest:
    """A probe as the kubelet makes it."""
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
