# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects of a workload, and the labels by which it is found again."""

from __future__ import annotations

from typing import Any

from ..pods import Pods

Manifest = dict[str, Any]

# Of a pod: what the workload's replicas had in common when it was made.
IN_COMMON = "cdc-pipeline/in-common"
# On every object of a workload. An object that has it and is no longer rendered is deleted.
WORKLOAD_LABEL = "cdc-pipeline/workload"
# Of every pod, and of what makes it; and what chooses those of all workloads in a query.
NAME_LABEL = "app.kubernetes.io/name"
PART = "app.kubernetes.io/part-of=cdc-pipeline"
# The secret by which servers know people.
PEOPLE_SECRET = "people"
PEOPLE_CHOSEN = f"{NAME_LABEL}={PEOPLE_SECRET},{PART}"


def selector(name: str) -> str:
    """What chooses the pods and claims of the workload ``name``, as the API takes it in a query."""
    return ",".join(f"{key}={value}" for key, value in selector_labels(name).items())


def selector_labels(name: str) -> dict[str, str]:
    """The labels of the pods and claims of the workload ``name``."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "cdc-pipeline"}


def labels(name: str) -> dict[str, str]:
    """The labels of what belongs to the workload ``name``."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "cdc-pipeline",
        "app.kubernetes.io/managed-by": "ansible",
    }


def labelled(version: str, kind: str, name: str, made: Pods, **parts: Any) -> Manifest:
    """An object of a workload."""
    found_by = {**labels(made.workload.name), WORKLOAD_LABEL: made.workload.name}
    metadata = {"name": name, "namespace": made.cluster.namespace, "labels": found_by}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}
