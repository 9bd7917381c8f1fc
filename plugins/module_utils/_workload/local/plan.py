# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The local runtime, decided: which folders, files and programs make a workload on this host. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._contents import digest
from ..._disk import Folder, Target
from ..spec.errors import SpecError
from ..spec.model import Port, Probe, Workload
from ..spec.replica import Replica, resolve
from .layout import FOLDERS, Instance

# Attempts that supervisord makes, one second longer apart each, before it calls a program FATAL and the prober,
# whose delay is capped, takes over: 1 + 2 + ... + 5 seconds.
_START_RETRIES = 5
# Anything below the event listener\'s, which supervisor sets to -1, would end after it.
_PRIORITY = 100
# What cdc-cron takes to end after it has killed a run that did not stop within its grace.
_CRON_SECONDS = 5
# Below ten seconds a process that dies while it starts counts as started, and its crash loop has no back-off.
_START_SECONDS = 10
LOG_BYTES = 20 * 2**20
LOG_BACKUPS = 3


@dataclass(frozen=True)
class ReplicaPlan:
    """All that makes one replica real."""

    replica: Replica
    folders: tuple[Folder, ...]
    targets: tuple[Target, ...]
    launch: Mapping[str, Any]
    digest: str
    ports: Mapping[str, int]
    output: Path
    applied: Path
    # Folders in which nothing but the targets may lie.
    closed: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.replica.name


@dataclass(frozen=True)
class Plan:
    """All that makes one workload real on this host."""

    workload: Workload
    instance: Instance
    replicas: tuple[ReplicaPlan, ...]
    programs: Target


def port_number(port: Port, ordinal: int, offset: int) -> int:
    """The port that replica ``ordinal`` listens on locally."""
    return port.port + port.step * ordinal + offset


def tokens(workload: Workload, instance: Instance, ordinal: int) -> dict[str, str]:
    """What each token stands for in replica ``ordinal`` on this host."""
    name = f"{workload.name}-{ordinal}"
    found = {
        "name": workload.name,
        "replica": name,
        "ordinal": str(ordinal),
        "node_id": str(ordinal + 1),
        "bind": instance.bind,
        "host": instance.host,
    }
    found.update({kind: str(instance.folder(name, kind)) for kind in FOLDERS})
    found.update({f"artifact.{key}": path for key, path in instance.artifacts.items()})
    if workload.artifact in instance.artifacts:
        found["artifact"] = instance.artifacts[workload.artifact]
    if instance.java:
        found["java"] = instance.java
    if workload.resources.memory_limit:
        found["memory_limit_mib"] = str(workload.resources.memory_limit // 2**20)
    ordinals = range(workload.replicas)
    for key, port in workload.ports.items():
        own = port_number(port, ordinal, instance.port_offset)
        hosts = [f"{instance.host}:{port_number(port, each, instance.port_offset)}" for each in ordinals]
        found[f"port.{key}"] = str(own)
        found[f"outside.{key}"] = str(own)
        found[f"external.{key}"] = f"{instance.external_host}:{own}"
        found[f"hosts.{key}"] = ",".join(hosts)
        found[f"nodes.{key}"] = ",".join(f"{each + 1}@{host}" for each, host in enumerate(hosts))
    return found


def plan(workload: Workload, instance: Instance) -> Plan:
    """The plan of ``workload`` in ``instance``.

    Raises:
        SpecError: a token is unknown, or the artifact is.
    """
    problems: list[str] = []
    if workload.artifact and workload.artifact not in instance.artifacts:
        known = ", ".join(sorted(instance.artifacts)) or "none"
        problems.append(f"artifact: {workload.artifact!r} is not installed in this instance (installed: {known})")
    replicas = tuple(_replica(workload, instance, ordinal, problems) for ordinal in range(workload.replicas))
    if problems:
        raise SpecError(workload.name, list(dict.fromkeys(problems)))
    programs = Target(
        instance.programs(workload.name),
        # A job runs while the playbook waits for it.
        "" if workload.kind == "job" else "\n".join(_section(workload, instance, item) for item in replicas),
        0o600,
    )
    return Plan(workload, instance, replicas, programs)


def _replica(workload: Workload, instance: Instance, ordinal: int, problems: list[str]) -> ReplicaPlan:
    replica = resolve(workload, ordinal, tokens(workload, instance, ordinal), problems)
    name, user = replica.name, workload.user or instance.user
    ports = {key: port_number(port, ordinal, instance.port_offset) for key, port in workload.ports.items()}
    config, secrets = instance.folder(name, "config"), instance.folder(name, "secrets")
    folders = (
        Folder(instance.replica(name), 0o750, None, user),
        Folder(config, 0o750, None, user),
        Folder(secrets, 0o750, None, user),
        Folder(instance.folder(name, "log"), 0o750, user, user),
        Folder(instance.folder(name, "tmp"), 0o750, user, user),
        # A database sets the mode of its data folder itself.
        Folder(instance.folder(name, "data"), 0o750, user, user, owned=False),
    )
    files = [
        Target(config / key, content, 0o640, None, user, restarts=True) for key, content in replica.files.items()
    ] + [
        Target(secrets / key, content, 0o400, user, user, secret=True, restarts=True)
        for key, content in replica.secrets.items()
    ]
    start = {
        "command": list(replica.command),
        "env": _environment(replica, instance, user),
        "cwd": str(instance.folder(name, "log")),
        "user": user,
        "memory_bytes": workload.resources.memory_limit,
        "stop_signal": workload.stop_signal,
        "lock": str(instance.control / "replicas" / f"{name}.lock"),
    }
    launch: dict[str, Any] = {
        "name": name,
        "kind": workload.kind,
        "instance": instance.name,
        "start": start,
        "steps": {step.name: list(step.command) for step in replica.init},
        "ports": ports,
        "stop_grace": workload.stop_grace,
        "probes": {kind: _probe(item, instance, ports) for kind, item in replica.probes.items()},
        "gate": _probe(replica.gate, instance, ports) if replica.gate else None,
    }
    if workload.kind == "cronjob":
        launch["cron"] = {
            "schedule": workload.schedule,
            "deadline_seconds": workload.deadline_seconds,
            "starting_deadline_seconds": workload.starting_deadline_seconds,
        }
    contents = {str(item.path): item.content for item in files}
    what: list[Any] = [start, contents]
    if workload.kind != "service":
        # A job that another one followed, or that was a cronjob before, has not run.
        what += [workload.kind, workload.deadline_seconds]
    files.append(Target(instance.launch(name), json.dumps(launch, indent=1, sort_keys=True) + "\n", 0o600))
    return ReplicaPlan(
        replica=replica,
        folders=folders,
        targets=tuple(files),
        launch=launch,
        digest=digest(what),
        ports=ports,
        output=instance.output(name),
        applied=instance.applied(name),
        closed=(config, secrets),
    )


def _environment(replica: Replica, instance: Instance, user: str | None) -> dict[str, str]:
    """The whole environment: nothing is inherited, so a process starts alike from a shell, a unit or a play."""
    base = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(instance.folder(replica.name, "tmp")),
        "TMPDIR": str(instance.folder(replica.name, "tmp")),
    }
    if user:
        base["USER"] = base["LOGNAME"] = user
    return {**base, **replica.env}


def _probe(probe: Probe, instance: Instance, ports: Mapping[str, int]) -> dict[str, Any]:
    host = "127.0.0.1" if instance.bind in ("0.0.0.0", "::", "*") else instance.bind
    found: dict[str, Any] = {
        "period_seconds": probe.period_seconds,
        "timeout_seconds": probe.timeout_seconds,
        "failure_threshold": probe.failure_threshold,
    }
    if probe.tcp:
        found["tcp"] = {"host": host, "port": ports[probe.tcp]}
    elif probe.http_port:
        found["http"] = {
            "host": host,
            "port": ports[probe.http_port],
            "path": probe.http_path,
            "headers": dict(probe.http_headers),
            "scheme": probe.http_scheme,
            "ca": probe.http_ca,
            **({"login": probe.http_login} if probe.http_login else {}),
        }
    else:
        found["exec"] = list(probe.exec)
    return found


def _priority(workload: Workload, instance: Instance) -> int:
    """supervisord starts from low to high and stops from high to low, so that a client ends before its servers."""
    known = workload.name in instance.order
    return _PRIORITY + (instance.order.index(workload.name) if known else len(instance.order))


def _section(workload: Workload, instance: Instance, item: ReplicaPlan) -> str:
    """The supervisor's section of a replica.

    It names only stable paths: a new version of the tools or of the configuration does not change it, so that it
    never restarts a process. ``%`` is the supervisor's own escape character.
    """
    by_schedule = workload.kind == "cronjob"
    settings = {
        "command": f"{instance.tools}/{'cdc-cron' if by_schedule else 'cdc-run'} {instance.launch(item.name)}",
        "autostart": "true",
        "autorestart": "true",
        "startsecs": _START_SECONDS,
        "startretries": _START_RETRIES,
        "priority": _priority(workload, instance),
        "stopsignal": "TERM" if by_schedule else workload.stop_signal,
        "stopwaitsecs": workload.stop_grace + (_CRON_SECONDS if by_schedule else 0),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": item.output,
        "stdout_logfile_maxbytes": f"{LOG_BYTES // 2**20}MB",
        "stdout_logfile_backups": LOG_BACKUPS,
    }
    lines = [f"{key}={value}".replace("%", "%%") for key, value in settings.items()]
    return "\n".join([f"[program:{item.name}]", *lines]) + "\n"
