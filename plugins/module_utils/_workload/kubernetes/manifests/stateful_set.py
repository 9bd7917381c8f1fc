# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What makes the pods of a service that keeps something."""

from __future__ import annotations

from ..pods import Pods, headless
from .labels import Manifest, labelled, selector_labels
from .pod import pod_template
from .quantities import size


def stateful_set(made: Pods) -> Manifest:
    """Pods with a name, and where stated a volume, of their own."""
    workload = made.workload
    spec: Manifest = {
        "replicas": workload.replicas,
        "serviceName": headless(workload),
        # A quorum needs its members at once; what changes goes from pod to pod all the same.
        "podManagementPolicy": "Parallel",
        # The realiser checks the rolling gate before it deletes a pod. Without a gate the controller replaces pods.
        "updateStrategy": {"type": "OnDelete" if made.template.gate else "RollingUpdate"},
        "selector": {"matchLabels": selector_labels(workload.name)},
        "template": pod_template(made, "Always"),
    }
    if workload.storage is not None:
        named = workload.storage.storage_class
        claim: Manifest = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size(workload.storage.size)}},
        }
        # An empty class would be none at all; the cluster's default is what is not named.
        if named and made.cluster.storage_classes.get(named):
            claim["storageClassName"] = made.cluster.storage_classes.get(named)
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    return labelled("apps/v1", "StatefulSet", workload.name, made, spec=spec)
