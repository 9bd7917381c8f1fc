# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Subjects: what is there, what is wanted, and the steps between. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .client import Schema, Version
from .schema_text import same_meaning


@dataclass(frozen=True)
class Found:
    """A subject as the registry has it.

    :param latest: its latest version, None when there is no such subject.
    :param same: the version whose schema says what the wanted one says, None when there is none.
    :param level: the compatibility level of the subject itself.
    """

    latest: Version | None
    same: Version | None
    level: str | None


@dataclass(frozen=True)
class Plan:
    """The steps, and the records before and after them.

    :param set_level: comes first where the subject exists, since the schema must pass at it.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    register: bool
    set_level: str | None
    warning: str | None = None

    @property
    def changes(self) -> bool:
        return self.register or self.set_level is not None


def plan(subject: str, found: Found, schema: Schema, level: str | None) -> Plan:
    """The steps that give `subject` this schema and this level (None: the level stays as it is)."""
    register = found.same is None
    if found.latest is None:
        before = absent(subject)
    else:
        before = record(subject, found.latest.schema, found.level if level is not None else None)
    shown = schema if register or found.latest is None else found.latest.schema
    warning = None
    if found.same is not None and found.latest is not None and found.same.version != found.latest.version:
        # A registry does not make a new version of a schema that it has.
        warning = (
            f"{subject}: the schema is registered as version {found.same.version}, "
            f"but the latest is version {found.latest.version}"
        )
    return Plan(
        before,
        record(subject, shown, level),
        register,
        set_level=level if level is not None and level != found.level else None,
        warning=warning,
    )


def same_schema(one: Schema, other: Schema) -> bool:
    """Whether two schemas say the same, and refer to the same."""
    same_frame = one.kind == other.kind and one.references == other.references
    return same_frame and same_meaning(one.text, other.text, one.kind)


def absent(subject: str) -> dict[str, Any]:
    return {"subject": subject, "state": "absent"}


def record(subject: str, schema: Schema, level: str | None) -> dict[str, Any]:
    """The subject as diffs show it, with the schema as a structure where it is one."""
    shown: dict[str, Any] = {"subject": subject, "state": "present", "schema_type": schema.kind}
    if level is not None:
        shown["compatibility"] = level
    if schema.references:
        shown["references"] = [dict(reference) for reference in schema.references]
    try:
        shown["schema"] = schema.text if schema.kind == "PROTOBUF" else json.loads(schema.text)
    except ValueError:
        shown["schema"] = schema.text
    return shown
