# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to be done to rules of Kafka. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import InvalidError

CLUSTER = "kafka-cluster"
TYPES = ("topic", "group", "transactional_id", "cluster")
PATTERNS = ("literal", "prefixed")
OPERATIONS = (
    "all",
    "alter",
    "alter_configs",
    "cluster_action",
    "create",
    "delete",
    "describe",
    "describe_configs",
    "idempotent_write",
    "read",
    "write",
)


@dataclass(frozen=True, order=True)
class Rule:
    """One operation that one principal may do, or may not, on what a pattern names."""

    principal: str
    resource_type: str
    name: str
    pattern: str
    operation: str
    permission: str = "allow"
    host: str = "*"

    def __str__(self) -> str:
        where = "" if self.host == "*" else f" from {self.host}"
        which = f"{self.name}*" if self.pattern == "prefixed" else self.name
        return f"{self.permission} {self.operation} on {self.resource_type} {which}{where}"


@dataclass(frozen=True)
class Plan:
    """Rules to add and to remove."""

    add: frozenset[Rule]
    remove: frozenset[Rule]

    @property
    def changes(self) -> bool:
        return bool(self.add or self.remove)


def rules(entries: Iterable[Mapping[str, Any]]) -> set[Rule]:
    """A rule for each operation of each entry.

    :raises InvalidError: an entry lacks the name of a resource, or its principal is none.
    """
    found = set()
    for entry in entries:
        kind = entry["resource_type"]
        name = entry.get("name") or (CLUSTER if kind == "cluster" else "")
        if not name:
            raise InvalidError(
                "A rule names no resource", where="acls", why=f"{kind} without name", remedy="state name"
            )
        if ":" not in entry["principal"]:
            raise InvalidError(
                "A principal has no type",
                where="acls",
                why=entry["principal"],
                remedy=f"write User:{entry['principal']}",
            )
        found |= {
            Rule(entry["principal"], kind, name, entry["pattern"], operation, entry["permission"], entry["host"])
            for operation in entry["operations"]
        }
    return found


def plan(found: set[Rule], wanted: set[Rule], *, present: bool, exact: Iterable[str]) -> Plan:
    """How to come from `found` to `wanted`.

    :param present: whether the wanted rules shall be there, or shall not.
    :param exact: principals that have no other rules than the wanted ones.
    """
    if not present:
        return Plan(frozenset(), frozenset(wanted & found))
    only = set(exact)
    surplus = {rule for rule in found - wanted if rule.principal in only}
    return Plan(frozenset(wanted - found), frozenset(surplus))


def record(rules_of: Iterable[Rule]) -> dict[str, list[str]]:
    """Rules as a diff shows them, by the principal."""
    found: dict[str, list[str]] = {}
    for rule in sorted(rules_of):
        found.setdefault(rule.principal, []).append(str(rule))
    return found
