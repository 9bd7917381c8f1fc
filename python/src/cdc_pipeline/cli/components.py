"""Which replicas a component's name stands for, and what names there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdc_pipeline.cli.errors import CdcError

Roles = Mapping[str, Sequence[str]]


def chosen(component: str, workloads: Mapping[str, str], roles: Roles) -> list[str]:
    """The replicas that are meant.

    Args:
        component: the name of a workload, with `-` or `_`, of a replica, such as `kafka-0`, or of a role, which stands
            for all of its workloads; empty for all.
        workloads: the workload of each replica.
        roles: the workloads of each role of the catalogue.

    Raises:
        CdcError: there is no such one.
    """
    wanted = component.replace("_", "-")
    of_role = roles.get(component.replace("-", "_"), ())
    found = [
        replica for replica, workload in workloads.items() if wanted in ("", workload, replica) or workload in of_role
    ]
    if wanted and not found:
        known = ", ".join(sorted({*workloads.values(), *_roles_of(workloads, roles)})) or "none"
        raise CdcError(f"There is no component {component!r}. There are: {known}.")
    return found


def names(workloads: Mapping[str, str], roles: Roles) -> list[str]:
    """All that :func:`chosen` takes."""
    return sorted({*workloads, *workloads.values(), *_roles_of(workloads, roles)})


def _roles_of(workloads: Mapping[str, str], roles: Roles) -> list[str]:
    """The roles that run something here, without those that are called like their only workload."""
    there = set(workloads.values())
    return [role for role, own in roles.items() if there.intersection(own) and [role.replace("_", "-")] != list(own)]
