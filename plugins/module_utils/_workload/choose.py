# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which replicas a component's name stands for."""

from __future__ import annotations

from collections.abc import Mapping

from .._errors import InvalidError


def chosen(component: str, workloads: Mapping[str, str]) -> list[str]:
    """The replicas to look at.

    Args:
        component: a workload's name, with `-` or as the role's with `_`, or a replica's; empty for all.
        workloads: the workload of each replica.

    Raises:
        InvalidError: there is no such one.
    """
    wanted = component.replace("_", "-")
    found = [replica for replica, workload in workloads.items() if wanted in ("", workload, replica)]
    if wanted and not found:
        known = ", ".join(sorted(set(workloads.values())))
        raise InvalidError(
            f"There is no component {component!r}",
            why=f"there are: {known}" if known else "there are none: nothing is set up, or all was removed",
            remedy="name one of these, or none for all of them" if known else "set it up with `make site`",
        )
    return found
