"""The processes of an instance on this host: what the supervisor knows of them, and what their probes find."""

from __future__ import annotations

import configparser
import http.client
import xmlrpc.client
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from cdc_pipeline.cli.instance import Instance, forbidden
from cdc_pipeline.cli.state import Row, State, Stuck
from cdc_pipeline.cli.supervisor_log import read_unasked_ends
from cdc_pipeline.instance.processes import ProcessTable, memory_of
from cdc_pipeline.supervise.cgroup import bound_for
from cdc_pipeline.supervise.checks import Result
from cdc_pipeline.supervise.probe import wait
from cdc_pipeline.supervise.replica import Replica, read_replica
from cdc_pipeline.supervise.rpc import Process, Supervisor
from cdc_pipeline.trouble import notes_in, troubles_in

_ALIVE = ("STARTING", "RUNNING")


def read_processes(instance: Instance) -> State:
    """The state of every replica.

    Raises:
        CdcError: the supervisor's folder may not be read.
    """
    control = instance.home / "supervisor"
    found = replicas(instance.home)
    processes = _processes(control)
    running = [each for name, each in found.items() if processes and name in processes and _alive(processes[name])]
    probed = wait(running, "readiness", 0) if running else {}
    table = ProcessTable.read() if running else ProcessTable({})
    ends = read_unasked_ends(instance.home / "log" / "supervisord.log")
    rows = [
        _row(replica, (processes or {}).get(name), probed.get(name), table, ends) for name, replica in found.items()
    ]
    stopped = f"supervisor does not run; start it with `{instance.note.run('start')}`"
    said = "supervisor runs" if processes is not None else stopped
    heading = f"instance {instance.name} in {instance.home}: {said}"
    stuck = [
        Stuck(name, component_of(name), trouble) for name, each in probed.items() for trouble in troubles_in(each.body)
    ]
    notes = [f"{name}: {note}" for name, each in probed.items() for note in notes_in(each.body)]
    return State(heading, rows, processes is not None, stuck, notes)


def replicas(home: Path) -> dict[str, Replica]:
    """Every replica by its name, as the role workload has written it down.

    Raises:
        CdcError: the folder may not be read.
    """
    folder = home / "supervisor" / "replicas"
    found = {}
    try:
        # Not by glob, to which a folder that may not be read is an empty one.
        names = sorted(item.name for item in folder.iterdir())
    except FileNotFoundError:
        names = []
    except PermissionError:
        raise forbidden(folder) from None
    for name in names:
        if name.endswith(".json"):
            try:
                found[name.removesuffix(".json")] = read_replica(folder / name)
            except FileNotFoundError:
                continue
            except PermissionError:
                raise forbidden(folder / name) from None
            except (OSError, ValueError):
                continue
    return found


def component_of(replica: str) -> str:
    """The workload of a replica: `kafka` of `kafka-0`."""
    return replica.rpartition("-")[0]


def supervisor_of(control: Path) -> Supervisor:
    """The supervisor, by its folder.

    Raises:
        OSError: its configuration cannot be read.
        configparser.Error, KeyError: that is not valid.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((control / "supervisord.conf").read_text(encoding="utf-8"))
    return Supervisor(Path(parser["unix_http_server"]["file"]))


def _processes(control: Path) -> Mapping[str, Process] | None:
    """What the supervisor knows; None when it does not run."""
    try:
        return supervisor_of(control).processes()
    except PermissionError:
        raise forbidden(control) from None
    except (OSError, KeyError, configparser.Error, http.client.HTTPException, xmlrpc.client.Error):
        return None


def _alive(process: Process) -> bool:
    return process.state in _ALIVE and process.pid > 0


def _row(
    replica: Replica, process: Process | None, probed: Result | None, table: ProcessTable, ends: Counter[str]
) -> Row:
    alive = process is not None and _alive(process)
    bound = bound_for(replica.instance, replica.name) if replica.start.memory_bytes else None
    kills = bound.kills() if bound else 0
    detail = probed.detail if probed is not None else process.problem if process is not None else ""
    if kills:
        detail = f"killed {kills} times at its memory limit; {detail}".rstrip("; ")
    return Row(
        name=replica.name,
        component=component_of(replica.name),
        state=process.state if process is not None else "ABSENT",
        ready=bool(alive and probed is not None and probed.ok),
        since=float(process.started) if process is not None and alive else None,
        restarts=ends[replica.name],
        memory=memory_of(table, process.pid) if process is not None and alive else None,
        limit=replica.start.memory_bytes,
        place=str(process.pid) if process is not None and alive else "",
        detail=detail,
    )
