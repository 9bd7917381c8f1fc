# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Schemas compared by what they say, not by how they are written. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._errors import InvalidError

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_NAMED = frozenset({"record", "error", "enum", "fixed"})
# JSON Schema keywords whose list is a set.
_JSON_SETS = frozenset({"required", "enum", "type"})


def same_meaning(one: str, other: str, kind: str) -> bool:
    """Whether two schemas of a `kind` (AVRO, JSON, PROTOBUF) differ in nothing but spelling.

    Documentation and properties count as meaning: whoever edits them wants them registered.
    """
    if one == other:
        return True
    try:
        return normal(one, kind) == normal(other, kind)
    except ValueError:
        return False


def normal(text: str, kind: str) -> Any:
    """A form in which schemas of the same meaning are equal.

    :raises ValueError: when the text is not of that kind.
    """
    if kind == "AVRO":
        return normal_avro(json.loads(text))
    if kind == "JSON":
        return _normal_json(json.loads(text))
    return _normal_protobuf(text)


def normal_avro(schema: Any, namespace: str = "", known: set[str] | None = None) -> Any:
    """An Avro schema with full names everywhere, simple types as strings, and no namespaces.

    :param schema: as `json.loads` gives it.
    :param known: full names defined so far.
    :raises ValueError: for what no Avro schema can hold.
    """
    known = set() if known is None else known
    if isinstance(schema, str):
        return schema if schema in PRIMITIVES else _full_name(schema, namespace)
    if isinstance(schema, list):
        return [normal_avro(branch, namespace, known) for branch in schema]
    if not isinstance(schema, Mapping) or "type" not in schema:
        raise ValueError(f"not an Avro schema: {json.dumps(schema)[:80]}")
    kind = schema["type"]
    rest = {key: value for key, value in schema.items() if key not in ("type", "namespace", "name")}
    if kind in _NAMED:
        return _normal_named(schema, kind, rest, namespace, known)
    if kind == "array":
        return {"type": "array", **rest, "items": normal_avro(schema.get("items"), namespace, known)}
    if kind == "map":
        return {"type": "map", **rest, "values": normal_avro(schema.get("values"), namespace, known)}
    inner = normal_avro(kind, namespace, known)
    return {"type": inner, **rest} if rest else inner


def _normal_named(schema: Mapping[str, Any], kind: str, rest: dict, namespace: str, known: set[str]) -> dict[str, Any]:
    if "name" not in schema:
        raise ValueError(f"a type {kind} has no name")
    full = _full_name(schema["name"], schema.get("namespace", namespace))
    inner = full.rpartition(".")[0]
    known.add(full)
    result = {"type": kind, "name": full, **rest}
    if "aliases" in rest:
        result["aliases"] = [_full_name(alias, inner) for alias in rest["aliases"]]
    if kind in ("record", "error"):
        if not isinstance(schema.get("fields"), list):
            raise ValueError(f"the record {full} has no list of fields")
        result["fields"] = [_normal_field(field, inner, known) for field in schema["fields"]]
    return result


def _normal_field(field: Any, namespace: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(field, Mapping) or "name" not in field or "type" not in field:
        raise ValueError(f"a field needs a name and a type: {json.dumps(field)[:80]}")
    return {**field, "type": normal_avro(field["type"], namespace, known)}


def _full_name(name: str, namespace: str | None) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _normal_json(schema: Any, key: str = "") -> Any:
    if isinstance(schema, Mapping):
        return {name: _normal_json(value, name) for name, value in schema.items()}
    if isinstance(schema, list):
        values = [_normal_json(value) for value in schema]
        return sorted(values, key=json.dumps) if key in _JSON_SETS else values
    return schema


def _normal_protobuf(text: str) -> list[str]:
    """The tokens without comments. Strings stay whole, so that a `//` inside one is no comment."""
    pattern = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|//[^\n]*|/\*.*?\*/|[\w.]+|[^\s\w]', re.DOTALL)
    return [token for token in pattern.findall(text) if not token.startswith(("//", "/*"))]


def to_text(schema: Any, kind: str) -> str:
    """A schema option (text, or a map or list as YAML gives it) as the text to register.

    :raises InvalidError: when the text is not a schema of that kind, as far as that can be told here.
    """
    text = schema if isinstance(schema, str) else json.dumps(schema)
    if kind != "PROTOBUF":
        try:
            decoded = json.loads(text)
            if kind == "AVRO":
                normal_avro(decoded)
        except ValueError as error:
            raise InvalidError(
                f"The schema is not {'an Avro' if kind == 'AVRO' else 'a JSON'} schema",
                where="option schema",
                why=str(error),
                remedy="correct it, or state its schema_type",
            ) from error
    return text
