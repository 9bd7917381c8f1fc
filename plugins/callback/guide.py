# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Leads a user through a run: what long steps wait for, and after a failure where to look."""

from __future__ import annotations

DOCUMENTATION = r"""
name: guide
type: aggregate
short_description: Shows what long steps wait for, and after a failure its cause and the next command
version_added: "1.0.0"
description:
  - While a task runs for long, says now and then that it still does, and for how long.
  - When a run fails, writes a folder with the failed task's result, the ends of the logs of the component concerned,
    the state of the host and of the supervisor's processes, or of the cluster's pods and their events - secrets are
    masked - and prints cause, evidence and next command.
  - What its caller may not read is read by C(sudo -n), which the run that failed used, too.
  - A run that succeeds ends with a table of what took the most time, by phase and role, and one line with the whole
    time. The table says how much of it was waiting - for servers, downloads, other hosts or a processor - since all
    else is CPU time of Ansible and of what it runs on this host.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
requirements:
  - to be named in C(callbacks_enabled) of C(ansible.cfg)
options:
  reports:
    description: Folder for the diagnostics; they lie in C(<runtime>/diagnostics/<time>-<role>) below it.
    type: path
    default: reports
    env:
      - name: CDC_GUIDE_REPORTS
    ini:
      - section: callback_cdc_guide
        key: reports
  first_mention:
    description: Seconds after which a running task is mentioned for the first time; 0 for never.
    type: float
    default: 5
    env:
      - name: CDC_GUIDE_FIRST_MENTION
    ini:
      - section: callback_cdc_guide
        key: first_mention
"""

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.module_utils._secrets import secret_values
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.diagnosis import Masker
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.commands import Commands
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.diagnostics import Failure, collect, prune
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.evidence import Evidence, Target
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.explain import Explanation, explain
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.pace import Pace
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.spent import Part

_OF_THE_INSTANCE = (
    "cdc_home",
    "cdc_instance",
    "cdc_runtime",
    "cdc_command",
    "cdc_kubeconfig",
    "cdc_kube_context",
    "cdc_namespace",
)
# The role that includes others to prepare what all share.
_PREPARES = "common"
# A run so short needs no line about its time.
_WORTH_A_LINE = 5.0


def _never_fail(method: Callable[..., None]) -> Callable[..., None]:
    """A guide that stumbles must not stop the play."""

    @functools.wraps(method)
    def guarded(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        try:
            method(self, *arguments, **named)
        except Exception as error:
            self._display.vv(f"cdc.pipeline.guide: {method.__name__}: {error!r}")

    return guarded


def role_of(task: Any) -> str:
    """The role for which a task runs: the outermost one that includes it, but not `common`, which prepares all."""
    roles = []
    at = task
    while at is not None:
        if role := getattr(at, "_role", None):
            roles.append(role.get_name(include_role_fqcn=False).rpartition(".")[2])
        at = getattr(at, "_parent", None)
    return next((name for name in reversed(roles) if name != _PREPARES), roles[-1] if roles else "")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cdc.pipeline.guide"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play: Any = None
        self._failed: tuple[Any, Failure, bool] | None = None
        self._pace = Pace(self._say)

    def _say(self, text: str, color: str | None = constants.COLOR_VERBOSE) -> None:
        self._display.display(text, color=color)

    @_never_fail
    def v2_playbook_on_start(self, playbook: Any) -> None:
        first = float(self.get_option("first_mention"))
        self._pace = Pace(self._say, first or 5)
        if first:
            self._pace.start()

    @_never_fail
    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    @_never_fail
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        phase = self._play.get_name() if self._play else ""
        self._pace.step(task.get_name().rpartition(" : ")[2].strip(), Part(phase, role_of(task)))

    v2_playbook_on_handler_task_start = v2_playbook_on_cleanup_task_start = functools.partialmethod(
        v2_playbook_on_task_start, is_conditional=False
    )

    @_never_fail
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._note(result, reachable=True)

    @_never_fail
    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note(result, reachable=False)

    @_never_fail
    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._pace.stop()
        if self._failed and (stats.failures or stats.dark):
            host, failure, reachable = self._failed
            self._explain(host, failure, reachable)
        elif self._pace.total >= _WORTH_A_LINE:
            self._say("\n".join(text for text in (self._pace.table(), self._pace.summary()) if text))

    def _note(self, result: Any, reachable: bool) -> None:
        # Tasks that were rescued come here too: only at the end is it known whether the run failed.
        role = result.task._role.get_name(include_role_fqcn=False) if result.task._role else ""
        failure = Failure(
            task=result.task_name,
            role=role.rpartition(".")[2],
            path=result.task.get_path() or "",
            host=result.host.get_name(),
            result=dict(result.result),
        )
        self._failed = (result.host, failure, reachable)

    def _explain(self, host: Any, failure: Failure, reachable: bool) -> None:
        variables: dict[str, Any] = {}
        secrets: list[str] = []
        details: list[str] = []
        try:
            variables = self._variables(host)
            secrets = sorted(secret_values({name: item for name, item in variables.items() if isinstance(item, str)}))
        except Exception as error:
            details = [f"  details:  could not be kept ({error})"]
        commands = Commands(
            str(variables.get("cdc_command", Commands.playbook)), f"{variables.get('cdc_home', '')}/bin/cdc"
        )
        explanation = explain(failure.result, failure.role, reachable=reachable, commands=commands)
        evidence = list(explanation.evidence)
        # The preflight changes nothing, and says all itself.
        if not details and failure.role != "preflight":
            try:
                folder, found = self._keep(failure, explanation, variables, secrets)
                evidence += found.lines
                details = [f"  details:  {folder}", *(f"  missing:  {problem}" for problem in found.problems[:1])]
            except Exception as error:
                details = [f"  details:  could not be kept ({error})"]
        lines = ["", f"FAILED: {failure.task}", f"  cause:    {explanation.cause}"]
        lines += [f"  {'evidence:' if number == 0 else '':<9} {line}" for number, line in enumerate(evidence)]
        lines += [f"  next:     {explanation.next}", *details]
        self._say(Masker(secrets)("\n".join(lines)), color=constants.COLOR_ERROR)

    def _variables(self, host: Any) -> dict[str, Any]:
        manager = self._play.get_variable_manager()
        variables = manager.get_vars(play=self._play, host=host)
        templar = Templar(loader=manager._loader, variables=variables)
        wanted = {name: variables[name] for name in _OF_THE_INSTANCE if name in variables}
        return {**variables, **templar.template(wanted)}

    def _keep(
        self, failure: Failure, explanation: Explanation, variables: dict[str, Any], secrets: list[str]
    ) -> tuple[Path, Evidence]:
        runtime = variables.get("cdc_runtime", "local")
        target = Target(
            instance=variables.get("cdc_instance", "local"),
            home=variables.get("cdc_home", "/nonexistent"),
            component=explanation.component,
        )
        if runtime == "kubernetes":
            target = replace(
                target,
                kubeconfig=variables["cdc_kubeconfig"],
                context=variables["cdc_kube_context"],
                namespace=variables["cdc_namespace"],
            )
        reports = Path(self.get_option("reports")) / runtime / "diagnostics"
        folder = reports / f"{time.strftime('%Y%m%dT%H%M%S')}-{failure.role or 'playbook'}"
        found = collect(folder, failure, target, secrets)
        prune(reports)
        return folder, found
