# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What makes the pod of a service that keeps nothing."""

from __future__ import annotations

from ..pods import Pods
from .labels import Manifest, labelled, selector_labels
from .pod import pod_template


def deployment(made: Pods) -> Manifest:
    """A pod that another one may take the place of."""
    spec = {
        "replicas": made.workload.replicas,
        # One at a time, the old one first: what keeps no state of its own may still lock something outside.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector_labels(made.workload.name)},
        "template": pod_template(made, "Always"),
    }
    return labelled("apps/v1", "Deployment", made.workload.name, made, spec=spec)
