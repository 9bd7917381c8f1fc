# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many of a workload's pods may be missing while a node is drained."""

from __future__ import annotations

from ..pods import Pods
from .labels import Manifest, labelled, selector_labels


def disruption_budget(made: Pods) -> Manifest | None:
    """One pod at a time; None where there is only one."""
    if made.workload.replicas < 2:
        return None
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector_labels(made.workload.name)}}
    return labelled("policy/v1", "PodDisruptionBudget", made.workload.name, made, spec=spec)
