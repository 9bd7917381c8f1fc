# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which versions of Kubernetes the manifests need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._problem import Problem

# Pods carry their ordinal as a label since then, which replicas find their files by.
_LOWEST = (1, 28)
_TESTED = (1, 34)


def server_version(answer: Mapping[str, Any] | None, target: object) -> tuple[list[Problem], list[str]]:
    """Problems and warnings about what `/version` says."""
    text = str((answer or {}).get("gitVersion") or "")
    match = re.match(r"v(\d+)\.(\d+)", text)
    if not match:
        remedy = "correct the server in the kubeconfig"
        return [Problem("cluster", "The server is not a Kubernetes API server", found=str(target), remedy=remedy)], []
    found = (int(match[1]), int(match[2]))
    if found < _LOWEST:
        return [
            Problem(
                "cluster",
                f"Kubernetes {_LOWEST[0]}.{_LOWEST[1]} or later is needed",
                found=f"{text} at {target}",
                remedy="have the cluster upgraded, or use another one",
            )
        ], []
    if found > _TESTED:
        return [], [f"Kubernetes {text} is not tested; {_TESTED[0]}.{_TESTED[1]} is"]
    return [], []
