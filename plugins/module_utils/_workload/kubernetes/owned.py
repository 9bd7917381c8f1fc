# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds of objects that a workload is made of."""

from __future__ import annotations

# In the order in which they are removed: what makes pods first.
OWNED = (
    "CronJob",
    "Job",
    "Deployment",
    "StatefulSet",
    "PodDisruptionBudget",
    "Route",
    "Service",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
)
# Those that make pods.
RUNNERS = ("StatefulSet", "Deployment", "Job", "CronJob")
