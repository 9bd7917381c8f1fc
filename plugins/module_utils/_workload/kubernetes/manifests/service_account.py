# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The service account of a workload's pods."""

from __future__ import annotations

from ...spec.model import Workload
from ..pods import Pods
from .labels import Manifest, labelled


def account_name(workload: Workload) -> str:
    """The account's name, which the workload may state."""
    return workload.service_account or f"{workload.name}-sa"


def service_account(made: Pods) -> Manifest:
    """The account, with the annotations by which a cloud knows it."""
    account = labelled("v1", "ServiceAccount", account_name(made.workload), made, automountServiceAccountToken=False)
    annotations = made.cluster.account_annotations.get(made.workload.name)
    if annotations:
        account["metadata"]["annotations"] = {name: str(value) for name, value in annotations.items()}
    return account
