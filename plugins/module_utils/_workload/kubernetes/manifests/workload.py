# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kubernetes runtime, decided: the manifests of a workload. Pure; nothing here talks to a cluster."""

from __future__ import annotations

from ...spec.model import Workload
from ..pods import Cluster, keeps_state, pods
from .config import config_map, secret
from .deployment import deployment
from .disruption_budget import disruption_budget
from .job import cron_job, job
from .labels import Manifest
from .network_policies import network_policies
from .service_account import service_account
from .services import services
from .stateful_set import stateful_set


def manifests(workload: Workload, cluster: Cluster) -> list[Manifest]:
    """Every object of ``workload``, in the order in which to apply them.

    Raises:
        SpecError: the workload cannot be one of a cluster; with every problem.
    """
    made = pods(workload, cluster)
    found = [service_account(made), config_map(made), secret(made), *network_policies(made)]
    # What makes pods comes last, when all that a pod needs is there.
    if workload.kind == "service":
        found += [*services(made), disruption_budget(made)]
        found.append(stateful_set(made) if keeps_state(workload) else deployment(made))
    elif workload.kind == "job":
        found.append(job(made))
    else:
        found.append(cron_job(made))
    return [item for item in found if item is not None]
