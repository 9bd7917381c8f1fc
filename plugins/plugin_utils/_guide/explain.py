# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A failed task in three parts: cause, evidence, next command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._catalogue import component_of
from .commands import Commands

# The paragraphs of a PipelineError's message.
_SECTION = re.compile(r"^(Where|Why|Next): ", re.MULTILINE)
_LISTED = re.compile(r"^\d+\. ", re.MULTILINE)
_OF_A_CHECKOUT = Commands()
_MOST_LINES = 8
_LONGEST_LINE = 160
_RERUN = "then run the same command again: what is done already is kept"
_PASSWORD = re.compile(r"[Mm]issing sudo password|Incorrect sudo password|password is (required|incorrect)")


@dataclass(frozen=True)
class Explanation:
    """What a user needs to know of a failure.

    :param evidence: lines, the telling one last.
    :param component: the workload concerned, such as `kafka`; "" when none is.
    """

    cause: str
    evidence: list[str]
    next: str
    component: str


def explain(
    result: Mapping[str, Any], role: str, *, reachable: bool = True, commands: Commands = _OF_A_CHECKOUT
) -> Explanation:
    """Explain a task's result.

    :param role: the role's short name; "" outside of roles.
    :param reachable: False when the host did not answer at all.
    :param commands: those of the inventory in use; otherwise the next command would lead to another one.
    """
    failed = _failed_item(result)
    message = str(failed.get("msg") or failed.get("censored") or "the task failed without a message").strip()
    component = _component(failed, role)
    parts = _sections(message)
    cause = parts[""].splitlines()[0]
    if _LISTED.search(parts[""]):
        return Explanation(cause, [], f"fix what is listed above, {_RERUN}", component)
    evidence = _evidence(parts, failed)
    following = parts.get("Next") or _next(message, role, component, reachable)
    return Explanation(cause, evidence, commands.spoken(following), component)


def _failed_item(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first failed item of a loop, which tells more than the loop's own message."""
    items = result.get("results")
    if isinstance(items, list):
        return next((item for item in items if isinstance(item, dict) and item.get("failed")), result)
    return result


def _sections(message: str) -> dict[str, str]:
    pieces = _SECTION.split(message)
    return {"": pieces[0].strip()} | {name: text.strip() for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def _evidence(parts: Mapping[str, str], failed: Mapping[str, Any]) -> list[str]:
    if parts.get("Why"):
        text = parts["Why"]
    elif failed.get("log_tail"):
        text = "\n".join(str(line) for line in failed["log_tail"])
    else:
        own = parts[""].splitlines()[1:]
        outputs = (str(failed.get(key) or "") for key in ("stderr", "module_stderr", "stdout", "module_stdout"))
        text = "\n".join(own) or next((output for output in outputs if output.strip()), "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        lines = [lines[0], "...", *lines[-(_MOST_LINES - 2) :]]
    if parts.get("Where"):
        lines.insert(0, f"at {parts['Where']}")
    return [line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 3] + "..." for line in lines]


def _component(failed: Mapping[str, Any], role: str) -> str:
    arguments = (failed.get("invocation") or {}).get("module_args") or {}
    workload = arguments.get("workload") if isinstance(arguments, Mapping) else None
    if isinstance(workload, Mapping) and workload.get("name"):
        return str(workload["name"])
    return component_of(role)


def _next(message: str, role: str, component: str, reachable: bool) -> str:
    if _PASSWORD.search(message):
        return "sudo asks for a password: make site ARGS=-K"
    if not reachable:
        return f"make sure that the host answers and that you may log in and use sudo, {_RERUN}"
    if role == "artifacts":
        return f"check the access to the package registries, {_RERUN}"
    if role == "verify":
        return "make status; fix what the failed checks name, then make verify"
    if component:
        return f"make logs COMPONENT={component}, and make status; fix what they show, {_RERUN}"
    return f"make status; fix what the evidence names, {_RERUN}"
