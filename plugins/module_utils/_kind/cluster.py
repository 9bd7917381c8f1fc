# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings a kind cluster to be as it should."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from .._errors import DeadlineError, FailedError, PipelineError
from .._module import Outcome
from .._wait import Deadline, wait_for
from . import kubeconfig as kubeconfigs
from .decide import Found, Step, decide_absent, decide_present, ports_missing
from .docker import Commands
from .mark import Mark
from .ports import check_free
from .readiness import summary, troubled, unready
from .wanted import Wanted

_ABSENT = {"state": "absent"}


class Cluster:
    """A kind cluster and the kubeconfig that leads to it.

    Args:
        kubeconfig: may hold other clusters, too; they stay.
        deadline: for all that is done, its waiting included.
    """

    def __init__(self, name: str, kubeconfig: str, commands: Commands, deadline: Deadline, dry: bool) -> None:
        self._name = name
        self._kubeconfig = Path(kubeconfig)
        self._mark = Mark(Path(f"{kubeconfig}.{name}-begun"), deadline, dry)
        self._commands = commands
        self._deadline = deadline
        self._dry = dry

    def find(self) -> Found:
        """
        Raises:
            PipelineError: docker or kind cannot be used.
        """
        self._commands.check_docker()
        nodes = self._commands.nodes()
        # In check mode kind may still have to be installed.
        if nodes or not self._dry:
            self._commands.check_kind()
        first = next((node.name for node in nodes if node.role == "control-plane"), None)
        return Found(nodes, self._commands.record(first) if first else None, self._mark.begun)

    def present(self, wanted: Wanted, recreate: bool) -> Outcome:
        """
        Raises:
            PipelineError: it cannot be had, or only at the cost of what is in it.
        """
        with self._mark:
            return self._present(wanted, recreate)

    def absent(self) -> Outcome:
        """
        Raises:
            PipelineError: it cannot be removed, or is not this collection's.
        """
        with self._mark:
            return self._absent()

    def _present(self, wanted: Wanted, recreate: bool) -> Outcome:
        found = self.find()
        step = decide_present(wanted, found, recreate)
        before = _shown(found)
        actions = [f"{_DONE[step.action]}: {step.why}"] if step.action != "keep" else []
        # One that is there stays as it was made.
        made = step.action in ("create", "replace")
        after = {**(wanted.record() if made else before), "state": "running"}
        missing = ports_missing(wanted, found, step)
        # A cluster that is replaced has them itself, and another machine's engine has ports of its own.
        if step.action == "create" and self._commands.local:
            check_free(wanted.host_ports)
        if self._dry:
            facts = {"actions": actions, "nodes": [], "unmapped": missing}
            if step.action == "keep" and not self._leads_there():
                facts["actions"] = ["wrote the kubeconfig"]
            return Outcome(bool(facts["actions"]), before, after, self._facts(facts))
        self._carry_out(step, wanted)
        if self._export():
            actions.append("wrote the kubeconfig")
        nodes = self._wait(wanted)
        facts = {"actions": actions, "nodes": nodes, "unmapped": missing}
        return Outcome(bool(actions), before, after, self._facts(facts))

    def _absent(self) -> Outcome:
        found = self.find()
        there = decide_absent(self._name, found)
        entry = kubeconfigs.names(self._read(), f"kind-{self._name}")
        actions = ["removed the cluster"] if there else (["removed its kubeconfig"] if entry else [])
        if not self._dry and (there or entry or found.begun):
            self._commands.delete(str(self._kubeconfig))
            self._clear()
        facts = {"actions": actions, "nodes": [], "unmapped": []}
        return Outcome(bool(actions), _shown(found), _ABSENT, self._facts(facts))

    def _facts(self, more: dict[str, Any]) -> dict[str, Any]:
        return {"kubeconfig": str(self._kubeconfig), "context": f"kind-{self._name}", **more}

    # --- steps

    def _carry_out(self, step: Step, wanted: Wanted) -> None:
        if step.action == "replace":
            self._commands.delete(str(self._kubeconfig))
        if step.action in ("create", "replace"):
            self._create(wanted)
        for node in step.nodes:
            self._commands.start(node)

    def _create(self, wanted: Wanted) -> None:
        if wanted.image and not self._commands.has_image(wanted.image):
            self._commands.pull(wanted.image, self._deadline)
        held = self._mark.begin()
        try:
            self._commands.create(wanted.config, wanted.image, str(self._kubeconfig), self._deadline, held)
        except PipelineError:
            self._tidy()
            raise
        nodes = self._commands.nodes()
        first = next(node.name for node in nodes if node.role == "control-plane")
        addresses = {node.name: node.address for node in nodes}
        self._commands.keep_record(first, {**wanted.record(), "addresses": addresses})
        self._mark.end()

    def _tidy(self) -> None:
        """kind does so by itself unless it was cut off. Should this fail, the mark stays for the next run."""
        with contextlib.suppress(PipelineError):
            self._commands.delete(str(self._kubeconfig))
            self._clear()

    def _clear(self) -> None:
        self._mark.end()
        if self._kubeconfig.exists() and kubeconfigs.is_empty(self._read()):
            self._kubeconfig.unlink()

    def _read(self) -> str:
        try:
            return self._kubeconfig.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise FailedError(
                f"The kubeconfig {self._kubeconfig} cannot be read", why=str(error), remedy="run with become: true"
            ) from error

    def _leads_there(self) -> bool:
        return kubeconfigs.holds(self._read(), self._commands.kubeconfig())

    def _export(self) -> bool:
        if self._leads_there():
            return False
        self._commands.export(str(self._kubeconfig))
        return True

    # --- waiting

    def _wait(self, wanted: Wanted) -> list[dict[str, Any]]:
        first = next(node.name for node in self._commands.nodes() if node.role == "control-plane")
        reasons: dict[str, str] = {}

        def ready() -> list[dict[str, Any]] | None:
            nonlocal reasons
            nodes = self._commands.api(first, "nodes")
            reasons = {first: "its API does not answer"} if nodes is None else unready(nodes, wanted.nodes)
            return None if reasons or nodes is None else summary(nodes)

        found = wait_for(ready, self._deadline, interval=0.5)
        if found is None:
            pods = troubled(self._commands.api(first, "pods") or {"items": []})
            raise DeadlineError(
                f"Nodes of the kind cluster {self._name} were not Ready within {self._deadline.seconds:.0f} s",
                why="\n".join([*(f"{name}: {why}" for name, why in reasons.items()), *pods]),
                remedy=f"See `docker exec {first} journalctl -u kubelet`; another run waits again. One that never gets "
                f"ready is removed by: kind delete cluster --name {self._name}",
            )
        return found


_DONE = {"create": "made the cluster", "replace": "recreated the cluster", "start": "started the nodes"}


def _shown(found: Found) -> dict[str, Any]:
    """The record of a cluster for a diff."""
    if not found.nodes:
        return _ABSENT
    known = {key: value for key, value in (found.record or {}).items() if key != "addresses"}
    return {**known, "state": "unfinished" if found.record is None else ("stopped" if found.stopped else "running")}
