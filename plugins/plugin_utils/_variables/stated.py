# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The workloads that the roles of the catalogue state, as their tasks will hand them to the role `workload`.

The preflight and the renderer both read them here, before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._problem import Problem
from ...module_utils._workload.spec.errors import SpecError
from ...module_utils._workload.spec.model import Workload
from ...module_utils._workload.spec.parse import parse_workload
from .settings import Settings


@dataclass
class Stated:
    """What the roles state.

    :param specs: specifications by the role, as they are written.
    :param workloads: the checked workloads by the role.
    :param problems: what could not be worked out, or is wrong.
    """

    specs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    workloads: dict[str, list[Workload]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def all(self) -> list[Workload]:
        """The workloads of all roles, in the order in which they are set up."""
        return [workload for group in self.workloads.values() for workload in group]


def state(settings: Settings, roles: Iterable[str], credentials: Mapping[str, str] | None = None) -> Stated:
    """Read the variable `<role>_workloads` of each role.

    :param credentials: passwords by purpose; None for stand-ins such as `<postgresql_cdc>`.
    """
    if credentials is None:
        credentials = stand_ins(settings)
    runtime = settings.get("cdc_runtime") or "local"
    known: dict[str, Any] = {"cdc_credentials": credentials}
    # Every lookup of an endpoint reads them; as a template they would be worked out each time, for seconds in all.
    endpoints = settings.get("cdc_endpoints")
    if endpoints is not None:
        known["cdc_endpoints"] = endpoints
    found = Stated()
    for role in roles:
        try:
            specs = settings.in_role(role, **known).value(f"{role}_workloads")
        except AnsibleError as error:
            found.problems.append(_problem(role, str(error).splitlines()[0]))
            continue
        found.specs[role] = specs
        found.workloads[role] = []
        for spec in specs:
            try:
                found.workloads[role].append(parse_workload(spec, runtime))
            except SpecError as error:
                found.problems += [_problem(role, f"{spec.get('name')}: {text}") for text in error.problems]
    return found


def stand_ins(settings: Settings) -> dict[str, str]:
    """A text for each credential that names it."""
    return {name: f"<{name}>" for name in settings.get("cdc_credential_values") or {}}


def _problem(role: str, found: str) -> Problem:
    return Problem(
        "workload",
        f"The workload of the role {role} is not valid",
        found=found,
        remedy=f"correct the variable that this names; docs/reference/variables.md lists those of {role}",
    )
