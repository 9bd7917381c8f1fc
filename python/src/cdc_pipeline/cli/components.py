"""Which replicas a component's name stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cdc_pipeline.cli.errors import CdcError


def chosen(component: str, workloads: Mapping[str, str]) -> list[str]:
    """The replicas that are meant.

    Args:
        component: a workload's name, with `-` or `_`, or a replica's, such as `kafka-0`; empty for all.
        workloads: the workload of each replica.

    Raises:
        CdcError: there is no such one.
    """
    wanted = component.replace("_", "-")
    found = [replica for replica, workload in workloads.items() if wanted in ("", workload, replica)]
    if wanted and not found:
        known = ", ".join(sorted(set(workloads.values()))) or "none"
        raise CdcError(f"There is no component {component!r}. There are: {known}.")
    return found
