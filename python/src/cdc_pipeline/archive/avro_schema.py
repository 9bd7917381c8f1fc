"""A writer schema, made ready for a columnar reader that knows less of Avro than the registry does.

Polars' reader refuses ``connect.*`` properties, references to named types, maps, nullable enums, null fields and wide
decimals. Each has a simpler type of the same binary layout, so the schema is rewritten, never the datums:

=====================  ==========================================  ===========================
Avro                   read as                                     made right afterwards by
=====================  ==========================================  ===========================
reference to a name    the type itself, under a name of its own
enum                   int                                         `columns` (symbol by index)
map of V               array of record (key: string, value: V)     `columns` (JSON, or a map)
null field             left out (it has no bytes)                  `columns` (a null column)
decimal, p > 38        bytes                                       `columns` (text)
decimal, s < 0, s > p  bytes                                       `columns` (text)
other logical types    their base type                             `columns`
=====================  ==========================================  ===========================

What has no such twin (a union of several types, or of one) is read one record at a time; see `fallback`. A schema that
is no record, or whose type contains itself, is refused, and with it its records: a reader that follows a value to any
depth could be ended by one, and the process with it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Any

import fastavro

from cdc_pipeline.archive.errors import UnsupportedSchemaError

SYNC = b"\0" * 16
WIDEST_DECIMAL = 38
PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))


@dataclass(frozen=True, slots=True)
class Node:
    """A resolved Avro type.

    ``kind`` is an Avro type name, or ``union`` for one of several branches besides null. ``nullable`` and
    ``null_first`` describe the union with null around it. ``meaning`` is ``connect.name``, or else Avro's logical type.
    """

    kind: str
    nullable: bool = False
    null_first: bool = True
    meaning: str | None = None
    fields: tuple[tuple[str, Node], ...] = ()
    items: Node | None = None
    symbols: tuple[str, ...] = ()
    size: int = 0
    precision: int = 0
    scale: int = 0
    odd: bool = False
    """True where Polars' reader has no twin for it, here or below."""

    @property
    def fits_decimal(self) -> bool:
        """Whether it is a decimal that Avro, Polars and Parquet have; PostgreSQL's scale may be negative or above p."""
        return 0 < self.precision <= WIDEST_DECIMAL and 0 <= self.scale <= self.precision

    @property
    def width_zero(self) -> bool:
        """Whether a value takes no bytes, so that a datum could claim any number of them."""
        return not self.nullable and (
            self.kind == "null" or (self.kind == "record" and all(node.width_zero for _, node in self.fields))
        )


def resolve(schema: Any, references: dict[str, Any] | None = None) -> Node:
    """The type tree of a schema, every named type in its place.

    Args:
        schema: a parsed Avro schema.
        references: parsed schemas it refers to, by full name.

    Raises:
        UnsupportedSchemaError: not a record, a recursive type, an unknown name, or an array of items without bytes.
    """
    named: dict[str, Any] = {}
    for name, other in (references or {}).items():
        _collect(other, "", named)
        named.setdefault(name, (other, ""))
    _collect(schema, "", named)
    node = _node(schema, "", named, ())
    if node.kind != "record" or node.nullable:
        raise UnsupportedSchemaError(f"a {node.kind} schema has no columns; only records can become rows")
    if not node.fields:
        raise UnsupportedSchemaError("the record has no fields")
    return node


def full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def namespace_in(schema: dict, namespace: str) -> str:
    name = schema.get("name", "")
    return name.rpartition(".")[0] if "." in name else schema.get("namespace", namespace)


def _collect(schema: Any, namespace: str, named: dict[str, Any]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, namespace, named)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("record", "enum", "fixed"):
            inner = namespace_in(schema, namespace)
            named.setdefault(full_name(schema["name"], inner), (schema, namespace))
            for f in schema.get("fields", ()):
                _collect(f["type"], inner, named)
        elif isinstance(kind, dict | list):
            _collect(kind, namespace, named)
        _collect(schema.get("items"), namespace, named)
        _collect(schema.get("values"), namespace, named)


def _node(schema: Any, namespace: str, named: dict[str, Any], above: tuple[str, ...]) -> Node:
    if isinstance(schema, list):
        return _union(schema, namespace, named, above)
    if isinstance(schema, str):
        if schema in PRIMITIVES:
            return Node(schema)
        full = full_name(schema, namespace)
        found = named.get(full) or named.get(schema)
        if found is None:
            raise UnsupportedSchemaError(f"the schema refers to {full}, which it does not define")
        return _node(found[0], found[1], named, above)
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        return _node(kind, namespace, named, above)
    meaning = schema.get("connect.name") or schema.get("logicalType")
    if kind == "record":
        return _record(schema, namespace_in(schema, namespace), named, above, meaning)
    if kind == "enum":
        return Node("enum", meaning=meaning, symbols=tuple(schema["symbols"]))
    if kind == "fixed":
        return Node("fixed", meaning=meaning, size=schema["size"], **_decimal(schema))
    if kind in ("array", "map"):
        items = _node(schema["items" if kind == "array" else "values"], namespace, named, above)
        if kind == "array" and items.width_zero:
            raise UnsupportedSchemaError("an array whose items have no bytes can claim any length")
        return Node(kind, meaning=meaning, items=items, odd=items.odd)
    if kind in PRIMITIVES:
        return Node(kind, meaning=meaning, **_decimal(schema))
    return _node(kind, namespace, named, above)


def _record(schema: dict, namespace: str, named: dict[str, Any], above: tuple[str, ...], meaning: str | None) -> Node:
    full = full_name(schema["name"], namespace)
    if full in above:
        raise UnsupportedSchemaError(f"the type {full} contains itself")
    fields = tuple((f["name"], _node(f["type"], namespace, named, (*above, full))) for f in schema["fields"])
    return Node("record", meaning=meaning, fields=fields, odd=any(node.odd for _, node in fields))


def _union(schema: list, namespace: str, named: dict[str, Any], above: tuple[str, ...]) -> Node:
    branches = [_node(branch, namespace, named, above) for branch in schema]
    if len(branches) == 1:  # nullable, since a value has a byte more than its type says
        return replace(branches[0], nullable=True, odd=True)
    others = [b for b in branches if b.kind != "null"]
    if len(branches) == 2 and len(others) == 1:
        return replace(others[0], nullable=True, null_first=branches[0].kind == "null")
    return Node("union", nullable=True, odd=True)


def _decimal(schema: dict) -> dict[str, int]:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if schema.get("logicalType") != "decimal" or not isinstance(precision, int) or not isinstance(scale, int):
        return {}
    return {"precision": precision, "scale": scale}


class _Names:
    """Names for types, unique within one schema."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"t{self.count}"


def mark_field(node: Node) -> str:
    """A name for the marker field that none of the record's own fields has."""
    return own_name("__mark", {name for name, _ in node.fields})


def own_name(name: str, taken: Container[str]) -> str:
    """The name, made unique by trailing underscores."""
    while name in taken:
        name += "_"
    return name


def slim(node: Node) -> dict:
    """The schema that reads the datums of ``node``, a record without odd parts, with the marker field at its end."""
    out = _slim(node, _Names())
    out["fields"].append({"name": mark_field(node), "type": "double"})
    return out


def _slim(node: Node, names: _Names) -> Any:
    out = _slim_plain(node, names)
    if not node.nullable:
        return out
    return ["null", out] if node.null_first else [out, "null"]


def _slim_plain(node: Node, names: _Names) -> Any:
    if node.kind == "record":
        fields = [{"name": n, "type": _slim(f, names)} for n, f in node.fields if f.kind != "null"]
        return {"type": "record", "name": names.next(), "fields": fields}
    if node.kind == "array":
        return {"type": "array", "items": _slim(node.items, names)}
    if node.kind == "map":
        entry = [{"name": "key", "type": "string"}, {"name": "value", "type": _slim(node.items, names)}]
        return {"type": "array", "items": {"type": "record", "name": names.next(), "fields": entry}}
    if node.kind == "enum":
        return "int"
    if node.kind == "fixed":
        return {"type": "fixed", "name": names.next(), "size": node.size}
    if node.kind == "bytes" and node.fits_decimal:
        return {"type": "bytes", "logicalType": "decimal", "precision": node.precision, "scale": node.scale}
    return node.kind


def container_header(node: Node) -> bytes:
    """The head of an Avro container whose datums are of ``node``, each followed by the marker, per schema."""
    head = io.BytesIO()
    fastavro.writer(head, fastavro.parse_schema(slim(node)), [], sync_marker=SYNC)
    return head.getvalue()


def parse(text: str) -> Any:
    """A schema's text as Python values.

    Raises:
        UnsupportedSchemaError: it is not JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnsupportedSchemaError(f"the schema is not JSON: {error}") from error
