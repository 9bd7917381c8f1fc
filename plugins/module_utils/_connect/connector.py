# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles one connector: what `connect_connector` does, and how connectors are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .._awaited import changing
from .._errors import DeadlineError, FailedError, InvalidError, PipelineError
from .._module import Outcome
from .._schema_registry.refused_schema import refusal
from .._secrets import mask, mask_pair
from .._suggest import did_you_mean
from .._values import to_strings
from .._wait import Deadline, wait_for
from . import connector_validation
from .client import ConnectClient, Connector, NoConnect, Task, connect_client
from .connector_plan import Step, Verdict, Wanted, judge, plan

# Source connectors such as MirrorMaker's may rightly have nothing to do; give the first task this long to appear.
_IDLE_SECONDS = 5.0
# Times settle_seconds: what had failed may fail again once it has connected and read what it failed at.
_RELAPSE = 5
_CAUSE = re.compile(r"^(?:Caused by: )(?P<text>.+)$", re.MULTILINE)


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the connector.

    :raises InvalidError: with every wrong setting, before any change, also in check mode.
    :raises FailedError: with the trace of every task that fails.
    :raises DeadlineError: when the state is not reached in time.
    """
    wanted = _wanted(params)
    client = connect_client(params)
    current = client.connector(wanted.name)
    steps = plan(current, wanted)
    warnings: list[str] = []
    if Step.CREATE in steps or Step.UPDATE in steps:
        if changing(params):
            warnings = [f"The plugin of {wanted.name} is asked about its configuration when all servers run as stated"]
        elif not isinstance(client, NoConnect):
            _refuse_wrong(client, wanted, params["allow_unknown"])

    before, after = _records(current, wanted, steps, params["secret_keys"])
    if not check_mode:
        for step in steps:
            _perform(client, step, wanted)
        try:
            current, warnings = _await(client, wanted, params, steps)
        except PipelineError as error:
            error.details["changed"] = bool(steps)
            raise
    return Outcome(
        changed=bool(steps),
        before=before,
        after=after,
        facts={
            "connector": after if check_mode or current is None else describe(current, params["secret_keys"]),
            "steps": [step.value for step in steps],
        },
        warnings=warnings,
    )


def report(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """What `connect_connector_info` returns."""
    client = connect_client(params)
    if params["name"] is None:
        found = client.connectors()
    else:
        found = [connector for connector in [client.connector(params["name"])] if connector is not None]
    shown = [describe(connector, params["secret_keys"]) for connector in found]
    if params["offsets"]:
        for connector in shown:
            connector["offsets"] = client.offsets(connector["name"])
    return Outcome(changed=False, facts={"connectors": shown})


def describe(connector: Connector, secret_keys: Iterable[str] = ()) -> dict[str, Any]:
    """The connector as modules return it, with secrets masked."""
    return {
        "name": connector.name,
        "state": connector.state.lower(),
        "type": connector.kind,
        "worker_id": connector.worker_id,
        "trace": connector.trace,
        "cause": root_cause(connector.trace),
        "config": mask(connector.config, secret_keys),
        "tasks": [describe_task(task) for task in connector.tasks],
    }


def describe_task(task: Task) -> dict[str, Any]:
    """The task as modules return it."""
    return {
        "id": task.id,
        "state": task.state.lower(),
        "worker_id": task.worker_id,
        "cause": root_cause(task.trace),
        "trace": task.trace,
    }


def root_cause(trace: str) -> str:
    """The innermost cause that a Java stack trace names; its first line when it names none."""
    causes = _CAUSE.findall(trace)
    return (causes[-1] if causes else trace.partition("\n")[0]).strip()


def _wanted(params: Mapping[str, Any]) -> Wanted:
    name, config = params["name"], params["config"]
    if config is not None:
        config = to_strings(config, f"connector {name}")
        if config.setdefault("name", name) != name:
            raise InvalidError(
                "The configuration is that of another connector",
                where=f"connector {name}",
                why=f'config.name is "{config["name"]}"',
                remedy="remove name from config",
            )
    return Wanted(name, params["state"], config, params["restart_failed_tasks"])


def _refuse_wrong(client: ConnectClient, wanted: Wanted, allow_unknown: Iterable[str]) -> None:
    plugin = _plugin(client, wanted)
    found = connector_validation.problems(client.validate(wanted.config), wanted.config, plugin, allow_unknown)
    if found:
        lines = [f"{item['field']}: {item['problem']} ({item['remedy']})" for item in found]
        raise InvalidError(
            f"The configuration of the connector {wanted.name} is wrong in {len(found)} place(s); nothing was changed",
            where=client.where,
            why="".join(f"\n  - {line}" for line in lines),
            remedy="correct each of these and run again",
            problems=found,
        )


def _plugin(client: ConnectClient, wanted: Wanted) -> str:
    """The full class name of the connector's plugin.

    :raises InvalidError: when the worker does not have it, which Connect itself answers with an internal error.
    """
    stated = wanted.config.get("connector.class", "")
    plugins = client.plugins()
    names = {alias: plugin for plugin in plugins for alias in _class_names(plugin)}
    if stated not in names:
        raise InvalidError(
            f"Kafka Connect has no plugin {stated}" if stated else "The configuration names no connector.class",
            where=f"{client.where}, connector {wanted.name}",
            why=did_you_mean(stated, names) or f"it has {', '.join(plugins)}",
            remedy="correct connector.class, or install the plugin on the worker's plugin.path and restart the worker",
            problems=[{"field": "connector.class", "problem": "no such plugin", "remedy": did_you_mean(stated, names)}],
        )
    return names[stated]


def _class_names(plugin: str) -> set[str]:
    """The names that Connect accepts for a plugin: the class, its simple name, and that without "Connector"."""
    simple = plugin.rpartition(".")[2]
    return {plugin, simple, re.sub(r"(Sink|Source)?Connector$", "", simple) or simple, simple.removesuffix("Connector")}


def _records(
    current: Connector | None, wanted: Wanted, steps: list[Step], secret_keys: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    old = {} if current is None else dict(current.config)
    new = old if wanted.config is None else dict(wanted.config)
    shown_old, shown_new = mask_pair(old, new, secret_keys)
    before = {"name": wanted.name, "state": "absent"}
    if current is not None:
        before = {"name": wanted.name, "state": _shown_state(current), "config": shown_old}
    if wanted.state == "absent":
        return before, {"name": wanted.name, "state": "absent"}
    reached = wanted.state if steps else before["state"]
    return before, {"name": wanted.name, "state": reached, "config": shown_new}


def _shown_state(connector: Connector) -> str:
    return "failed" if connector.failures else connector.state.lower()


def _perform(client: ConnectClient, step: Step, wanted: Wanted) -> None:
    if step is Step.CREATE:
        client.create(wanted.name, wanted.config, wanted.state.upper())
    elif step is Step.UPDATE:
        client.update(wanted.name, wanted.config)
    else:
        simple = {
            Step.PAUSE: client.pause,
            Step.RESUME: client.resume,
            Step.STOP: client.stop,
            Step.RESTART_FAILED: client.restart_failed,
            Step.DELETE: client.delete,
        }
        simple[step](wanted.name)


def _await(
    client: ConnectClient, wanted: Wanted, params: Mapping[str, Any], steps: list[Step]
) -> tuple[Connector | None, list[str]]:
    """Wait until the state is reached, and has lasted: right after a change the old tasks' states still show."""
    lasting = float(params["settle_seconds"]) if steps and wanted.state == "running" else 0.0
    if Step.RESTART_FAILED in steps:
        lasting *= _RELAPSE
    seen: Connector | None = None
    held: tuple[Verdict, Deadline] | None = None

    def outcome() -> Verdict | None:
        nonlocal seen, held
        seen = client.connector(wanted.name)
        verdict = judge(seen, wanted.state)
        if verdict is Verdict.PENDING:
            held = None
            return None
        if held is None or held[0] is not verdict:
            idle = _IDLE_SECONDS if steps and verdict is Verdict.IDLE else 0.0
            held = (verdict, Deadline(max(lasting, idle)))
        return verdict if held[1].expired else None

    verdict = wait_for(outcome, Deadline(params["wait_timeout"]), slowest=0.5)
    if verdict is Verdict.FAILED:
        raise _failure(client, seen)
    if verdict is None:
        raise DeadlineError(
            f"The connector {wanted.name} is not {wanted.state} after {params['wait_timeout']} s",
            where=client.where,
            why="it no longer exists" if seen is None else _summary(seen),
            remedy="check the worker's log; if it is only slow, set a larger wait_timeout",
        )
    idle = [f"The connector {wanted.name} runs and has no task: it found nothing to do"]
    return seen, idle if verdict is Verdict.IDLE else []


def _failure(client: ConnectClient, connector: Connector) -> FailedError:
    failures = connector.failures
    cause, why = root_cause(failures[0].trace), _summary(connector)
    remedy = "fix the cause and run again, which restarts what failed; the traces are in failed_tasks"
    refused = refusal(cause)
    if refused is not None:
        cause = f"the registry refuses the new schema of {refused.subject}"
        why, remedy = "".join(f"\n  - {change}" for change in refused.changes), refused.remedy
    return FailedError(
        f"The connector {connector.name} fails: {cause}",
        where=f"{client.where}, " + ", ".join(_task_name(task) for task in failures),
        why=why,
        remedy=remedy,
        failed_tasks=[describe_task(task) for task in failures],
    )


def _summary(connector: Connector) -> str:
    tasks = ", ".join(f"task {task.id} {task.state}" for task in connector.tasks) or "no tasks"
    return f"connector {connector.state}, {tasks}"


def _task_name(task: Task) -> str:
    return "the connector itself" if task.id < 0 else f"task {task.id} on {task.worker_id}"
