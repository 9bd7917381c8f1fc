"""T8: every process of the instance runs, under the supervisor, without root, and within its memory."""

from __future__ import annotations

import configparser
import os
import pwd
import shutil
import xmlrpc.client
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan import MEBIBYTE
from cdc_pipeline.supervise.cgroup import bound_for
from cdc_pipeline.supervise.replica import read_replica
from cdc_pipeline.supervise.rpc import Process, Supervisor
from cdc_pipeline.verify.checks import pods
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

# Longer than any program's startsecs.
_START_SECONDS = 20.0
_START = "Start it: {run start}."
_TIED = "The supervisor was started with a CPU affinity, for example by taskset: {run stop}, then {run start}."
_AGAIN = "Run the site again: it continues where the last run ended."


def judge_processes(processes: Mapping[str, Process]) -> Finding:
    """Each program that supervisord knows, by its name."""
    down = {name: process.state for name, process in processes.items() if process.state != "RUNNING"}
    return equal("services.processes", f"processes that do not run, of {len(processes)}", {}, down, _START)


def judge_users(owners: Mapping[str, int]) -> Finding:
    """User ids of the processes by name."""
    root = sorted(name for name, owner in owners.items() if owner == 0)
    return equal("services.not_root", "processes that run as root", [], root, "Set cdc_user.")


def judge_processors(usable: Mapping[str, int], whole: int) -> Finding:
    """How many processors each process may run on, and how many the first process of the host may."""
    fewer = {name: count for name, count in usable.items() if count < whole}
    return equal("services.processors", f"processes that may use fewer than {whole} processors", {}, fewer, _TIED)


def judge_applied(replicas: Iterable[str], applied: Iterable[str]) -> Finding:
    """Replicas, and those of them that were ready with the configuration that their files hold."""
    left = sorted(set(replicas) - set(applied))
    return equal("workload.applied", "replicas whose last change is not applied", [], left, _AGAIN)


def judge_bounds(limits: Mapping[str, int], bounds: Mapping[str, int | None]) -> Finding:
    """Bytes that each replica may use, and what the kernel holds it to; None is nothing."""
    loose = {name: bounds.get(name) for name, limit in limits.items() if bounds.get(name) != limit}
    return equal("workload.memory_bounds", "replicas that the kernel does not hold to their limit", {}, loose, _AGAIN)


def judge_disk(free: int, wanted_mib: int, home: str) -> Finding:
    hint = f"Free some space below {home}, or move cdc_home to a larger disk."
    return Finding(
        "preflight.disk",
        f"free disk below {home}",
        f"{wanted_mib} MiB",
        f"{free // MEBIBYTE} MiB",
        free >= wanted_mib * MEBIBYTE,
        hint,
    )


def _socket(home: Path) -> Path:
    settings = configparser.RawConfigParser()
    settings.read(home / "supervisor" / "supervisord.conf", encoding="utf-8")
    return Path(settings["unix_http_server"]["file"])


def _services(context: Context) -> Iterator[Finding]:
    if context.plan.cluster is not None:
        yield from pods.running(context)
        return
    if not context.plan.expected.services.home:
        return
    home = Path(context.plan.expected.services.home)
    try:
        supervisor = Supervisor(_socket(home))
        # A process that has just started is not yet said to run, however ready it is.
        processes = wait_for(
            supervisor.processes,
            lambda found: all(process.state != "STARTING" for process in found.values()),
            _START_SECONDS,
            pause=0.5,
        )
    except (OSError, KeyError, xmlrpc.client.Error) as error:
        yield Finding(
            "services.supervisor", "the supervisor", "it answers", str(error) or type(error).__name__, False, _START
        )
        return
    yield Finding("services.supervisor", "the supervisor", "it answers", "it answers", True)
    yield judge_processes(processes)
    files = sorted((home / "supervisor" / "replicas").glob("*.json"))
    replicas = [replica for replica in map(read_replica, files) if replica.name in processes]
    owners, processors = {}, {}
    for replica in replicas:
        folder = Path(f"/proc/{processes[replica.name].pid}")
        if replica.kind == "cronjob":
            # The process that waits for the time is the supervisor's own; its runs are what is asked about.
            owners[replica.name] = pwd.getpwnam(replica.start.user).pw_uid if replica.start.user else os.geteuid()
        elif folder.exists():
            owners[replica.name] = folder.stat().st_uid
            processors[replica.name] = len(os.sched_getaffinity(processes[replica.name].pid))
    yield judge_users(owners)
    yield judge_processors(processors, len(os.sched_getaffinity(1)))


def _workloads(context: Context) -> Iterator[Finding]:
    if context.plan.cluster is not None:
        yield from pods.applied(context)
        return
    if not context.plan.expected.workload.home:
        return
    folder = Path(context.plan.expected.workload.home) / "supervisor" / "replicas"
    replicas = [read_replica(path) for path in sorted(folder.glob("*.json"))]
    yield judge_applied(
        [replica.name for replica in replicas],
        [path.name.removesuffix(".applied") for path in folder.glob("*.applied")],
    )
    limits = {replica.name: replica.start.memory_bytes for replica in replicas if replica.start.memory_bytes}
    bounds = {replica.name: _bound(replica.instance, replica.name) for replica in replicas if replica.name in limits}
    # What runs to its end has no control group before its first run.
    for replica in replicas:
        if replica.kind != "service" and bounds.get(replica.name) is None:
            limits.pop(replica.name, None)
    # Where the host lets nobody make a control group, the processes' own bounds (-Xmx, shared_buffers) have to do.
    if any(bounds.values()):
        yield judge_bounds(limits, bounds)


def _bound(instance: str, name: str) -> int | None:
    bound = bound_for(instance, name)
    try:
        return int((bound.folder / bound.limit).read_text()) if bound else None
    except (OSError, ValueError):
        return None


def _room(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.preflight
    if not expected.home:
        return
    yield judge_disk(shutil.disk_usage(expected.home).free, expected.home_free_mib, expected.home)


STEPS = (
    Step("services.supervisor", "services", _services, "T8", ("supervisor", "processes", "not_root", "processors")),
    Step("workload.applied", "workload", _workloads, "T8", ("applied", "spread", "memory_bounds")),
    Step("preflight.disk", "preflight", _room, "T8", ("disk",)),
)
