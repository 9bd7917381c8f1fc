"""What accounts may do in a cluster, as sets that can be compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Rule = Mapping[str, Any]


def rights(rules: Iterable[Rule]) -> set[str]:
    """Each right of RBAC rules, such as `get pods/log` or `patch statefulsets.apps`; a rule may name single objects."""
    return {
        f"{verb} {resource}{f'.{group}' if group else ''}{f' {name}' if name else ''}"
        for rule in rules
        for group in rule.get("apiGroups") or ("",)
        for resource in rule.get("resources") or ()
        for verb in rule.get("verbs") or ()
        for name in rule.get("resourceNames") or ("",)
    }
