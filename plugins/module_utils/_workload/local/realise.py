# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The local realiser: makes a planned workload real on this host, step by step.

An interruption at any point is fixed by the next run: the digest of a replica is removed before the first of its
files changes, and written when the process that reads them is ready.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..._contents import as_text
from ..._disk import Difference, Disk, Target
from ..._errors import DeadlineError, FailedError
from .. import diagnosis
from ..report import NEW, RUNNING, STOPPED, Report
from .checking import Checker
from .decide import KEEP, RESTART, START, Decision, Observed, decide, replicas_of, sections, surplus
from .plan import Plan, ReplicaPlan
from .readiness import Readiness
from .supervisor import Process, Supervisor
from .tools import Tools, rotate


class Realiser:
    """Brings one workload to a state. ``dry`` only reports what it would do."""

    def __init__(self, plan: Plan, timeout: float, dry: bool) -> None:
        self.plan = plan
        self.instance = plan.instance
        self.timeout = timeout
        self.dry = dry
        self.disk = Disk()
        self.supervisor = Supervisor(self.instance.socket)
        self.tools = Tools(self.instance)
        secrets = (as_text(content) for item in plan.replicas for content in item.replica.secrets.values())
        self.mask = diagnosis.Masker(secrets)
        self.readiness = Readiness(self.supervisor, self.tools, self.mask, timeout)
        self.checker = Checker(plan, self.disk, Tools, self.mask, timeout)

    def start(self, restart: bool = False, only: Collection[str] = ()) -> Report:
        """Makes everything be as planned, and every replica run and be ready.

        Args:
            restart: restart the replicas that run, too, one after the other. A cronjob starts afresh at each run.
            only: names of the replicas that are restarted; all where there are none.

        Raises:
            PipelineError: it cannot be; the message says why.
        """
        self.plan.workload.require_replicas(only)
        processes = self._processes()
        restarts = set(only or self.plan.workload.replica_names()) if restart and not self._rereads else set()
        decisions = [self._decide(item, processes, item.name in restarts) for item in self.plan.replicas]
        gone = surplus(self.plan.workload.name, processes, [item.name for item in self.plan.replicas])
        programs = self.disk.differs(self.plan.programs)
        self._require_checks(decisions)
        report = _report(decisions, gone, programs)
        if self.dry:
            report.found = self._found(decisions)
            return report
        apart = [item for item in decisions if item.action == RESTART and not self._agrees(item.replica)]
        self._stop(apart)
        starts = [item for item in decisions if item.action == START]
        self._start_together(starts + apart, programs, gone)
        self._restart_in_turn([item for item in decisions if item.action == RESTART and item not in apart])
        kept = [item.replica for item in decisions if item.action == KEEP]
        for item in decisions:
            if item.action == KEEP and self._rereads:
                self._prepare([item])
                self.supervisor.signal(item.replica.name, "HUP")
            elif item.action == KEEP:
                self._write(item)
        self.readiness.watch(kept)
        self.readiness.wait([item.name for item in kept])
        return report

    def _found(self, decisions: Iterable[Decision]) -> str:
        """What there is before anything is done. A replica that was ever made has a data folder."""
        if any(item.action != START for item in decisions):
            return RUNNING
        lived = any(self.instance.folder(item.replica.name, "data").exists() for item in decisions)
        return STOPPED if lived else NEW

    @property
    def _rereads(self) -> bool:
        return self.plan.workload.kind == "cronjob"

    def _prepare(self, decisions: list[Decision]) -> None:
        """Makes the replicas' folders and files as planned, with what their init steps create."""
        for decision in decisions:
            self._write(decision)
            self._note_agreement(decision.replica)
        self._initialise([decision.replica for decision in decisions])
        for decision in decisions:
            if self._rereads and self._applied(decision.replica) != decision.replica.digest:
                # Without this mark no run starts.
                self._settle(decision.replica)

    def run_job(self) -> Report:
        """Runs a workload of kind job to its end, unless this very job has succeeded before.

        A job that was interrupted has not succeeded. What is left of it holds the lock that the next one waits for.

        Raises:
            FailedError: it ended with an error.
            DeadlineError: it took too long.
        """
        decisions = [self._decide(item, {}, False) for item in self.plan.replicas]
        done = {item.name for item in self.plan.replicas if self._applied(item) == item.digest}
        wanted = [item for item in decisions if item.replica.name not in done]
        self._require_checks(wanted)
        # Of another kind, it was supervised.
        gone = replicas_of(self.plan.workload.name, self._loaded()) if self.plan.programs.path.exists() else []
        report = _report(wanted, gone, None)
        if self.dry:
            return report
        if self.plan.programs.path.exists():
            self.disk.remove(self.plan.programs.path)
            self._drop(gone)
        for item in wanted:
            self._prepare([item])
            rotate(item.replica.output)
            self._run(item.replica, None, "the job")
            self._settle(item.replica)
        return report

    def processes(self) -> list[dict[str, Any]]:
        """Each replica as it is now."""
        found = self._processes()
        return [
            {
                "name": item.name,
                "state": found[item.name].state if item.name in found else "ABSENT",
                "pid": found[item.name].pid if item.name in found else 0,
                "ports": dict(item.ports),
                "log": str(item.output),
            }
            for item in self.plan.replicas
        ]

    def _processes(self) -> dict[str, Process]:
        return {} if self.plan.workload.kind == "job" else self._loaded()

    def _loaded(self) -> dict[str, Process]:
        if self.dry and not self.supervisor.answers():
            return {}
        return self.supervisor.processes()

    def _decide(self, item: ReplicaPlan, processes: dict[str, Process], restart: bool) -> Decision:
        differences = [found for folder in item.folders if (found := self.disk.folder_differs(folder))]
        differences += [found for target in item.targets if (found := self.disk.differs(target))]
        wanted = {target.path for target in item.targets}
        for folder in item.closed:
            differences += [
                Difference(path, "<a file that is not part of the workload>\n", None)
                for path in self.disk.strangers(folder, wanted)
            ]
        section_now = sections(diagnosis.tail(self.plan.programs.path)).get(item.name)
        section_ought = sections(self.plan.programs.content).get(item.name)
        observed = Observed(
            process=processes.get(item.name),
            applied=self._applied(item),
            differences=tuple(differences),
            section_changed=section_now != section_ought and item.name in processes,
        )
        return decide(item, observed, restart, self._rereads)

    def _applied(self, item: ReplicaPlan) -> str | None:
        try:
            return item.applied.read_text(encoding="utf-8").strip()
        except OSError:
            return None

    def _agrees(self, item: ReplicaPlan) -> bool:
        """Whether the process was started with what the replicas have in common as planned."""
        try:
            found = self.instance.in_common(item.name).read_text(encoding="utf-8").strip()
        except OSError:
            found = ""
        return found == self.plan.workload.in_common

    def _note_agreement(self, item: ReplicaPlan) -> None:
        path, text = self.instance.in_common(item.name), self.plan.workload.in_common
        if text:
            self.disk.write(Target(path, text + "\n", 0o600))
        else:
            self.disk.remove(path)

    def _require_checks(self, decisions: list[Decision]) -> None:
        """Has the new files checked, in check mode as well, before anything is replaced."""
        if not self.dry:
            self.checker.clean()
        wanted = [
            item.replica.name
            for item in decisions
            if self._applied(item.replica) != item.replica.digest or any(found.restarts for found in item.differences)
        ]
        self.checker.require(wanted, only_if_installed=self.dry)

    def _write(self, decision: Decision) -> None:
        """Makes the replica's folders and files as planned."""
        item = decision.replica
        if decision.action != KEEP or any(found.restarts for found in decision.differences):
            self.disk.remove(item.applied)
        for folder in item.folders:
            if self.disk.folder_differs(folder):
                self.disk.make_folder(folder)
        for found in decision.differences:
            if found.after is None:
                self.disk.remove(found.path)
        for target in item.targets:
            if self.disk.differs(target):
                self.disk.write(target)

    def _settle(self, item: ReplicaPlan) -> None:
        self.disk.write(Target(item.applied, item.digest + "\n", 0o600))

    def _start_together(self, decisions: list[Decision], programs: Difference | None, gone: list[str]) -> None:
        """Starts what does not run, all at once: a quorum needs its members."""
        replicas = [item.replica for item in decisions]
        self.readiness.require_free_ports(replicas)
        self._prepare(decisions)
        if programs is not None:
            self.disk.write(self.plan.programs)
        self.readiness.watch(replicas)
        _added, changed, removed = self.supervisor.reread()
        self._drop(sorted(set(gone) | set(surplus(self.plan.workload.name, removed, ()))))
        for item in replicas:
            self._launch(item.name, changed)
        self.readiness.wait([item.name for item in replicas], self._settle)

    def _restart_in_turn(self, decisions: list[Decision]) -> None:
        """Restarts one replica after the other; those that are not ready anyway go first, and together."""
        if not decisions:
            return
        found = self._ready_now([item.replica for item in decisions])
        broken = [item for item in decisions if not found[item.replica.name]]
        self._restart(broken)
        previous = None
        for item in decisions:
            if item in broken:
                continue
            self.readiness.wait_gate(previous or item.replica)
            self._restart([item])
            previous = item.replica

    def _restart(self, decisions: list[Decision]) -> None:
        replicas = [item.replica for item in decisions]
        names = [item.name for item in replicas]
        if not names:
            return
        self._stop(decisions)
        self._prepare(decisions)
        self.readiness.require_free_ports(replicas)
        self.readiness.watch(replicas)
        _added, changed, _removed = self.supervisor.reread()
        for name in names:
            self._launch(name, changed)
        self.readiness.wait(names, self._settle)

    def _stop(self, decisions: list[Decision]) -> None:
        for item in decisions:
            self.disk.remove(item.replica.applied)
        self.supervisor.stop([item.replica.name for item in decisions], self.plan.workload.stop_grace)

    def _ready_now(self, replicas: list[ReplicaPlan]) -> dict[str, bool]:
        processes = self.supervisor.processes()
        ready = {item.name: processes[item.name].state in ("STARTING", "RUNNING") for item in replicas}
        probed = [name for name, alive in ready.items() if alive and self.instance.launch(name).exists()]
        for name, found in self.tools.probe("readiness", probed).items():
            ready[name] = found.ok
        return ready

    def _launch(self, name: str, changed: list[str]) -> None:
        loaded = self.supervisor.processes()
        if name in loaded and name in changed:
            self.supervisor.stop([name], self.plan.workload.stop_grace)
            self.supervisor.remove(name)
            self.supervisor.add(name)
        elif name in loaded:
            self.supervisor.start(name)
        else:
            self.supervisor.add(name)

    def _drop(self, names: list[str]) -> None:
        loaded = [name for name in names if name in self.supervisor.processes()]
        self.supervisor.stop(loaded, self.plan.workload.stop_grace)
        for name in loaded:
            self.supervisor.remove(name)
            self.disk.remove(self.instance.applied(name))

    def _initialise(self, replicas: list[ReplicaPlan]) -> None:
        """Runs the init steps of all replicas, side by side as in a cluster, and those of one in their order.

        Raises:
            PipelineError: steps failed; the first of the replicas says why. All have ended then.
        """
        wanted = [item for item in replicas if item.replica.init]
        with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
            list(pool.map(self._take_first_steps, wanted))

    def _take_first_steps(self, item: ReplicaPlan) -> None:
        """Runs the steps whose outcome is not there yet.

        A step that was interrupted leaves a marker. What it left in the data folder is half done, so the folder is
        emptied before the step runs again; once a replica has run, that never happens.
        """
        folder = self.instance.control / "replicas"
        lived = folder / f"{item.name}.lived"
        for step in item.replica.init:
            marker = folder / f"{item.name}.{step.name}.running"
            done = folder / f"{item.name}.{step.name}.done"
            if marker.exists() and not lived.exists():
                _empty(self.instance.folder(item.name, "data"))
            elif (Path(step.creates) if step.creates else done).exists():
                continue
            self.disk.write(Target(marker, "", 0o600))
            self._run(item, step.name, f"its init step {step.name}")
            if step.creates and not Path(step.creates).exists():
                raise FailedError(
                    f"The step {step.name} of {item.name} succeeded, but did not create {step.creates}",
                    remedy="fix `creates` in the workload's specification",
                )
            self.disk.write(Target(done, "", 0o600))
            self.disk.remove(marker)
        if item.replica.init and not lived.exists():
            self.disk.write(Target(lived, "", 0o600))

    def _run(self, item: ReplicaPlan, step: str | None, what: str) -> None:
        start = diagnosis.size(item.output)
        workload = self.plan.workload
        deadline = min(self.timeout, workload.deadline_seconds or self.timeout)
        status = self.tools.run(item.name, step, item.output, deadline, workload.stop_signal, workload.stop_grace)
        if status == 0:
            return
        text = diagnosis.tail(item.output, start)
        cause = diagnosis.recognise(text)
        lines = "\n".join("  " + line for line in diagnosis.last_lines(self.mask(text)))
        if status is None:
            raise DeadlineError(
                f"{item.name}: {what} did not end within {deadline:.0f} s and was stopped",
                where=str(item.output),
                why="its last lines are\n" + lines,
                remedy="if it only needs longer, raise "
                + ("workload_timeout" if deadline == self.timeout else "its deadline_seconds"),
            )
        raise FailedError(
            f"{item.name}: {what} failed{': ' + cause.what if cause else ''} (exit status {status})",
            where=str(item.output),
            why="its last lines are\n" + lines,
            remedy=cause.remedy if cause else f"see the whole log: less {item.output}",
        )


def _report(decisions: Iterable[Decision], gone: list[str], programs: Difference | None) -> Report:
    report = Report(removed=list(gone))
    for item in decisions:
        if item.action == START:
            report.started.append(item.replica.name)
        if item.action == RESTART:
            report.restarted.append(item.replica.name)
        if item.changes:
            report.reasons[item.replica.name] = list(item.reasons)
        report.differences += item.differences
    if programs is not None:
        report.differences.append(programs)
    report.changed = bool(report.differences or report.started or report.restarted or report.removed)
    return report


def _empty(folder: Path) -> None:
    for item in folder.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()
