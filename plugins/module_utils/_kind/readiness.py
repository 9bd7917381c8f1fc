# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the cluster's API says of its nodes, and of what keeps them from being ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unready(nodes: Mapping[str, Any], wanted: int) -> dict[str, str]:
    """Why each node is not Ready; empty when ``wanted`` nodes are.

    Args:
        nodes: the API's NodeList.
    """
    found = {}
    for node in nodes["items"]:
        conditions = {each["type"]: each for each in node["status"].get("conditions", ())}
        ready = conditions.get("Ready", {})
        if ready.get("status") != "True":
            found[node["metadata"]["name"]] = ready.get("message") or "it has not reported yet"
    missing = wanted - len(nodes["items"])
    if missing > 0:
        found["missing"] = f"{missing} of {wanted} nodes have not joined"
    return found


def summary(nodes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, roles, address and version of each node."""
    prefix = "node-role.kubernetes.io/"
    return [
        {
            "name": node["metadata"]["name"],
            "roles": sorted(label[len(prefix) :] for label in node["metadata"]["labels"] if label.startswith(prefix)),
            "address": next((a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"), ""),
            "version": node["status"]["nodeInfo"]["kubeletVersion"],
        }
        for node in sorted(nodes["items"], key=lambda node: node["metadata"]["name"])
    ]


def troubled(pods: Mapping[str, Any]) -> list[str]:
    """Pods that do not run, with the reasons of their containers.

    Args:
        pods: the API's PodList.
    """
    lines = []
    for pod in pods["items"]:
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        waiting = [
            each["state"]["waiting"]
            for each in pod["status"].get("containerStatuses", ())
            if "waiting" in each.get("state", {})
        ]
        for each in waiting:
            lines.append(f"{name}: {each.get('reason', '')} {each.get('message', '')}".strip())
        if not waiting and pod["status"].get("phase") == "Pending":
            reasons = [
                each.get("message", "") for each in pod["status"].get("conditions", ()) if each["status"] == "False"
            ]
            lines.append(f"{name}: Pending {' '.join(reasons)}".strip())
    return lines
