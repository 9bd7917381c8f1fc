"""`cdc-stop`: stops every process of an instance in order, before its supervisor ends.

supervisord's own shutdown stops one program after the other. Brokers that end one by one leave the last one without a
quorum to say goodbye to, which then hangs until it is killed; asked together, they end cleanly within seconds. So the
replicas of a workload stop together here, and the workloads one after the other, clients before their servers.
"""

from __future__ import annotations

import argparse
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from cdc_pipeline.supervise.rpc import Supervisor

# supervisord itself kills what outlives its own grace; this is what it may take to notice.
_NOTICE_SECONDS = 10.0
_PAUSE = 0.1
# STOPPED, EXITED, FATAL, UNKNOWN: a process in any other state runs or is about to.
_DOWN = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")


def main(arguments: list[str] | None = None) -> int:
    """Status 0 when all have ended, or no supervisor answers; 1 when something still runs."""
    parser = argparse.ArgumentParser(prog="cdc-stop", description="Stops the processes of a pipeline instance.")
    parser.add_argument("--socket", type=Path, required=True, help="supervisord's unix socket")
    supervisor = Supervisor(parser.parse_args(arguments).socket)
    try:
        left = stop(supervisor)
    except (OSError, xmlrpc.client.Error) as error:
        # It was killed, or shuts down already.
        print(f"cdc-stop: the supervisor does not answer: {error}", file=sys.stderr)
        return 0
    if left:
        print(f"cdc-stop: still running: {', '.join(left)}", file=sys.stderr)
    return 1 if left else 0


def stages(programs: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """What stops together, in the order in which to stop it: replicas of a workload share a priority.

    :param programs: as supervisor.getAllConfigInfo returns them (http://supervisord.org/api.html).
    """
    # Event listeners have a negative priority, and end with the supervisor.
    stopping = [item for item in programs if item["group_prio"] >= 0]
    stopping.sort(key=lambda item: item["group_prio"], reverse=True)
    return [list(group) for _priority, group in groupby(stopping, key=lambda item: item["group_prio"])]


def stop(supervisor: Supervisor, clock: Callable[[], float] = time.monotonic, pause: float = _PAUSE) -> list[str]:
    """Stops everything; the names of what still runs.

    :raises OSError: the supervisor does not answer. As does xmlrpc.client.Error, when it shuts down.
    """
    for stage in stages(supervisor.programs()):
        names = [item["name"] for item in stage]
        for name in names:
            supervisor.stop(name)
        deadline = clock() + max(item["stopwaitsecs"] for item in stage) + _NOTICE_SECONDS
        while _running(supervisor, names) and clock() < deadline:
            time.sleep(pause)
    return _running(supervisor, [item["name"] for item in supervisor.programs() if item["group_prio"] >= 0])


def _running(supervisor: Supervisor, names: list[str]) -> list[str]:
    found = supervisor.processes()
    return [name for name in names if name in found and found[name].state not in _DOWN]


if __name__ == "__main__":
    sys.exit(main())
