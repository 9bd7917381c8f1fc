# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits until processes are ready, and says why when they do not get there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..._errors import DeadlineError, FailedError
from ..._ports import Listener, listeners
from ..._wait import Deadline
from .. import diagnosis
from .plan import ReplicaPlan
from .supervisor import Process, Supervisor
from .tools import Found, Tools

# Without a probe, a process that has lived so long counts as ready.
_SETTLED_SECONDS = 3
# How often a process may end while it is waited for: a dependency may be late once or twice.
_MOST_EXITS = 3
_MOST_EXITS_OF_KNOWN_CAUSE = 2
_ROUND_SECONDS = 2.0


@dataclass
class _Watch:
    replica: ReplicaPlan
    kind: str | None
    offsets: dict[str, int]
    kills: int
    starts: set[int] = field(default_factory=set)
    found: Found = field(default_factory=lambda: Found(False, "not probed yet"))


class Readiness:
    """Watches the replicas of one workload."""

    def __init__(self, supervisor: Supervisor, tools: Tools, mask: Callable[[str], str], timeout: float) -> None:
        self.supervisor = supervisor
        self.tools = tools
        self.mask = mask
        self.timeout = timeout
        self._watches: dict[str, _Watch] = {}

    def watch(self, replicas: Iterable[ReplicaPlan]) -> None:
        """Notes where the logs end now: what is written from here on is evidence. Call it before a start."""
        replicas = list(replicas)
        found = self.tools.probe("memory", [item.name for item in replicas if item.launch["start"]["memory_bytes"]])
        for item in replicas:
            probes = item.replica.probes
            kind = next((kind for kind in ("readiness", "startup") if kind in probes), None)
            kills = found[item.name].kills if item.name in found else 0
            self._watches[item.name] = _Watch(item, kind, {path: diagnosis.size(path) for path in _logs(item)}, kills)

    def require_free_ports(self, replicas: Iterable[ReplicaPlan]) -> None:
        """Checks that no other process has a port that a replica is about to listen on.

        Raises:
            FailedError: naming the port and who has it.
        """
        wanted = {port: (item.name, key) for item in replicas for key, port in item.ports.items()}
        deadline = Deadline(5)
        while True:
            taken = listeners(wanted)
            if not taken or deadline.expired:
                break
            # A process that has just ended lets go of its ports in a moment.
            _pause(deadline)
        if taken:
            why = [f"{port} ({wanted[port][1]} of {wanted[port][0]}): {taken[port][0]}" for port in sorted(taken)]
            raise FailedError(
                f"Ports that {', '.join(sorted({wanted[port][0] for port in taken}))} needs are taken",
                why="; ".join(why),
                remedy="end that process, or choose another cdc_port_offset, then run again",
            )

    def wait(self, names: Iterable[str], on_ready: Callable[[ReplicaPlan], None] = lambda replica: None) -> None:
        """Waits until the named replicas are ready; ``on_ready`` is called for each.

        Raises:
            FailedError: a process keeps ending.
            DeadlineError: it runs but is not ready in time.
        """
        deadline = Deadline(self.timeout)
        left = [self._watches[name] for name in names]
        while left:
            pause = min(_ROUND_SECONDS, deadline.remaining)
            for kind in {item.kind for item in left if item.kind}:
                group = [item for item in left if item.kind == kind]
                found = self.tools.probe(kind, [item.replica.name for item in group], pause)
                for item in group:
                    item.found = found[item.replica.name]
            processes = self.supervisor.processes()
            for item in list(left):
                if self._is_ready(item, processes.get(item.replica.name)):
                    on_ready(item.replica)
                    left.remove(item)
            if left and deadline.expired:
                raise self._too_late(left[0])
            if left and not any(item.kind and not item.found.ok for item in left):
                _pause(deadline)

    def wait_gate(self, replica: ReplicaPlan) -> None:
        """Waits until the rolling gate holds, seen from ``replica``.

        Raises:
            DeadlineError: it does not hold in time; the rolling restart ends here.
        """
        found = self.tools.probe("gate", [replica.name], self.timeout)[replica.name]
        if not found.ok:
            raise DeadlineError(
                f"The rolling restart stops before {replica.name}: its gate did not hold for {self.timeout:.0f} s",
                why=self.mask(found.detail),
                remedy="fix what the gate found (the replicas restarted so far are ready), then run again",
            )

    def _is_ready(self, item: _Watch, process: Process | None) -> bool:
        if process is None:
            raise FailedError(f"{item.replica.name} is missing in the supervisor", remedy="run the playbook again")
        if process.started:
            item.starts.add(process.started)
        self._require_alive(item, process)
        if process.state not in ("STARTING", "RUNNING"):
            return False
        if item.kind is None:
            return process.now - process.started >= _SETTLED_SECONDS
        return item.found.ok and self._answers_itself(item, process)

    def _answers_itself(self, item: _Watch, process: Process) -> bool:
        """Whether the probed ports belong to the process, and not to a stranger that answers in its place."""
        probe = item.replica.replica.probes[item.kind or ""]
        name = probe.tcp or probe.http_port
        if name is None:
            return True
        port = item.replica.ports[name]
        holders = listeners([port]).get(port, [])
        if any(_belongs(holder, process) for holder in holders):
            return True
        if holders and holders[0].pid:
            item.found = Found(False, f"port {port} is answered by another process ({holders[0]})")
        return False

    def _require_alive(self, item: _Watch, process: Process) -> None:
        exits = len(item.starts) - (1 if process.state in ("STARTING", "RUNNING") else 0)
        if process.state != "FATAL" and exits < _MOST_EXITS_OF_KNOWN_CAUSE:
            return
        text = self._text(item)
        cause = diagnosis.recognise(text)
        if process.state != "FATAL" and exits < _MOST_EXITS and cause is None:
            return
        raise self._failure(item, process, text, cause)

    def _failure(self, item: _Watch, process: Process, text: str, cause: diagnosis.Cause | None) -> FailedError:
        name = item.replica.name
        if item.found.kills > item.kills:
            limit = item.replica.launch["start"]["memory_bytes"]
            cause = diagnosis.Cause(
                f"the kernel killed it at its memory limit of {limit // 2**20} MiB",
                "raise the memory limit in its resources, or lower what it keeps in memory",
            )
        what = cause.what if cause else process.problem or "it ended soon after its start"
        return FailedError(
            f"{name} keeps ending: {what}{self._ending(name)}",
            where=str(item.replica.output),
            why="its last lines are\n" + "\n".join("  " + line for line in diagnosis.last_lines(self.mask(text))),
            remedy=cause.remedy if cause else f"see the whole log: less {item.replica.output}",
            replica=name,
            log=str(item.replica.output),
        )

    def _ending(self, name: str) -> str:
        """How the process ended last. supervisord forgets it when it starts the process again, but logs it."""
        text = diagnosis.tail(self.tools.instance.logs / "supervisord.log")
        found = re.findall(rf"exited: {re.escape(name)} \(([^;)]+)", text)
        return f" ({found[-1]})" if found else ""

    def _too_late(self, item: _Watch) -> DeadlineError:
        text = self._text(item)
        cause = diagnosis.recognise(text)
        lines = diagnosis.last_lines(self.mask(text)) or ["(it wrote nothing)"]
        return DeadlineError(
            f"{item.replica.name} runs, but was not ready within {self.timeout:.0f} s",
            where=str(item.replica.output),
            why=self.mask(f"{item.kind or 'process'}: {item.found.detail}; its last lines are\n")
            + "\n".join("  " + line for line in lines),
            remedy=(cause.remedy if cause else f"see the whole log: less {item.replica.output}")
            + "; if it only needs longer, raise workload_timeout",
            replica=item.replica.name,
            log=str(item.replica.output),
        )

    def _text(self, item: _Watch) -> str:
        """What the process wrote since it was watched; its own log files come first, its output last."""
        return "\n".join(diagnosis.tail(path, offset) for path, offset in reversed(item.offsets.items()))


def _logs(replica: ReplicaPlan) -> list:
    return [replica.output, *(type(replica.output)(path) for path in replica.replica.log_files)]


def _belongs(holder: Listener, process: Process) -> bool:
    # supervisord makes each process the leader of a group, in which its children stay. pid 0: we may not see who.
    return holder.pid == 0 or holder.group == process.pid


def _pause(deadline: Deadline) -> None:
    time.sleep(min(0.25, deadline.remaining))
