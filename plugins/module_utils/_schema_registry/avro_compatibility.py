# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which changes of an Avro schema break its readers, and how to fix each. Pure.

The rules are those of schema resolution in the Avro specification, 1.11, "Schema Resolution".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .schema_text import normal_avro

# writer's type -> types as which a reader may read it
_PROMOTIONS = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}


@dataclass(frozen=True)
class Break:
    """One change that a reader cannot cope with.

    :param field: path of the field, such as `address.city`; `(schema)` for the whole.
    :param change: what changed and why that breaks.
    :param remedy: how to fix it.
    """

    field: str
    change: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.change}. {self.remedy}"


def breaks(new: str, old: str, level: str) -> list[Break]:
    """What in `new` breaks the compatibility `level` with `old`; both are schema texts.

    :param level: BACKWARD (new code reads old data), FORWARD (old code reads new data), FULL (both), NONE, or one of
        them with _TRANSITIVE, for which the caller compares with each old version.
    :raises ValueError: when a text is not an Avro schema.
    """
    new_schema, old_schema = normal_avro(json.loads(new)), normal_avro(json.loads(old))
    kind = level.removesuffix("_TRANSITIVE")
    found: list[Break] = []
    if kind in ("BACKWARD", "FULL"):
        found += _Reading(new_schema, old_schema, new_reads_old=True).breaks()
    if kind in ("FORWARD", "FULL"):
        found += _Reading(old_schema, new_schema, new_reads_old=False).breaks()
    return list(dict.fromkeys(found))


class _Reading:
    """Data written with one schema, read with another."""

    def __init__(self, reader: Any, writer: Any, new_reads_old: bool) -> None:
        self._reader, self._writer = reader, writer
        self._reader_types, self._writer_types = _named_types(reader), _named_types(writer)
        self._new_reads_old = new_reads_old
        self._seen: set[tuple[str, str]] = set()

    def breaks(self) -> list[Break]:
        return list(self._compare(self._reader, self._writer, ""))

    def _compare(self, reader: Any, writer: Any, path: str) -> Iterator[Break]:
        reader, writer = self._reader_types.get(_key(reader), reader), self._writer_types.get(_key(writer), writer)
        if isinstance(writer, list):
            for branch in writer:
                yield from self._compare(reader, branch, path)
        elif isinstance(reader, list):
            yield from self._compare_with_union(reader, writer, path)
        else:
            yield from self._compare_types(reader, writer, path)

    def _compare_with_union(self, reader: list, writer: Any, path: str) -> Iterator[Break]:
        resolved = [self._reader_types.get(_key(branch), branch) for branch in reader]
        same_kind = [branch for branch in resolved if _type(branch) == _type(writer)]
        candidates = [list(self._compare(branch, writer, path)) for branch in same_kind or resolved]
        if candidates and all(candidates):
            # A branch of the same kind was probably meant: what is wrong inside it tells more.
            yield from candidates[0] if same_kind else [self._type_break(reader, writer, path)]

    def _compare_types(self, reader: Any, writer: Any, path: str) -> Iterator[Break]:
        reads, writes = _type(reader), _type(writer)
        if reads != writes:
            if reads not in _PROMOTIONS.get(writes, ()):
                yield self._type_break(reader, writer, path)
        elif reads in ("record", "error"):
            yield from self._compare_records(reader, writer, path)
        elif reads == "array":
            yield from self._compare(reader["items"], writer["items"], f"{path}[]")
        elif reads == "map":
            yield from self._compare(reader["values"], writer["values"], f"{path}{{}}")
        elif reads == "enum":
            yield from self._compare_enums(reader, writer, path)
        elif reads == "fixed" and reader["size"] != writer["size"]:
            yield self._type_break(reader, writer, path)

    def _compare_records(self, reader: Mapping, writer: Mapping, path: str) -> Iterator[Break]:
        if (reader["name"], writer["name"]) in self._seen:
            return
        self._seen.add((reader["name"], writer["name"]))
        if not _same_name(reader, writer):
            yield self._name_break(reader, writer, path)
            return
        written = {field["name"]: field for field in writer["fields"]}
        read_names = {name for field in reader["fields"] for name in _names(field)}
        unread = [field for name, field in written.items() if name not in read_names]
        for field in reader["fields"]:
            inner = f"{path}.{field['name']}" if path else field["name"]
            source = next((written[name] for name in _names(field) if name in written), None)
            if source is not None:
                yield from self._compare(field["type"], source["type"], inner)
            elif "default" not in field:
                yield self._missing_field(field, unread, inner)

    def _compare_enums(self, reader: Mapping, writer: Mapping, path: str) -> Iterator[Break]:
        if not _same_name(reader, writer):
            yield self._name_break(reader, writer, path)
        lost = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
        if lost and "default" not in reader:
            symbols = ", ".join(lost)
            if self._new_reads_old:
                change = f"symbol {symbols} removed from the enum {reader['name']}: data that holds it cannot be read"
                remedy = "Keep the symbol, or give the enum a default"
            else:
                change = f"symbol {symbols} added to the enum {reader['name']}: old readers do not know it"
                remedy = "First register a version whose enum has a default, then add the symbol"
            yield Break(path or "(schema)", change, remedy)

    def _missing_field(self, field: Mapping, unread: Iterable[Mapping], path: str) -> Break:
        name, shown = field["name"], _show(field["type"])
        if self._new_reads_old:
            renamed = next((other["name"] for other in unread if _show(other["type"]) == shown), None)
            if renamed is not None:
                return Break(
                    path,
                    f'new field without a default, while "{renamed}" of the same type is gone: it looks renamed',
                    f'If it is, give "{name}" "aliases": ["{renamed}"]; if not, give it a default',
                )
            return Break(
                path,
                "field added without a default: old data has no value for it",
                f'Give it one, such as {_optional(field["type"])} with "default": null',
            )
        renamed = next((other["name"] for other in unread if _show(other["type"]) == shown), None)
        looks = f', while "{renamed}" of the same type is new: it looks renamed' if renamed else ""
        return Break(
            path,
            f"field removed, which has no default in the old schema{looks}: old readers need it",
            "Keep it, or first register a version in which it has a default, and remove it in the next",
        )

    def _type_break(self, reader: Any, writer: Any, path: str) -> Break:
        new, old = (reader, writer) if self._new_reads_old else (writer, reader)
        narrowed = _type(new) != _type(old) and _type(old) in _PROMOTIONS.get(_type(new), ())
        verb = "narrowed" if narrowed and self._new_reads_old else "changed"
        who = (
            "old data cannot be read as the new type" if self._new_reads_old else "old readers cannot read the new type"
        )
        if _type(old) == "null" and isinstance(new, (str, dict)):
            remedy = f"Keep it optional: {_optional(new)}"
        else:
            remedy = f"Keep {_show(old)}, or add a field of another name with the new type and a default"
        return Break(path or "(schema)", f"type {verb} from {_show(old)} to {_show(new)}: {who}", remedy)

    def _name_break(self, reader: Mapping, writer: Mapping, path: str) -> Break:
        new, old = (reader, writer) if self._new_reads_old else (writer, reader)
        return Break(
            path or "(schema)",
            f"{_type(new)} renamed from {old['name']} to {new['name']}",
            f'Keep the name, or give the new {_type(new)} "aliases": ["{old["name"]}"]',
        )


def _named_types(schema: Any) -> dict[str, Any]:
    """Every named type that the schema defines, by full name."""
    found: dict[str, Any] = {}

    def collect(part: Any) -> None:
        if isinstance(part, list):
            for branch in part:
                collect(branch)
        elif isinstance(part, Mapping):
            if "name" in part:
                found[part["name"]] = part
            for field in part.get("fields", []):
                collect(field["type"])
            for inner in ("items", "values", "type"):
                if isinstance(part.get(inner), (list, Mapping)):
                    collect(part[inner])

    collect(schema)
    return found


def _key(schema: Any) -> str:
    return schema if isinstance(schema, str) else ""


def _type(schema: Any) -> str:
    if isinstance(schema, list):
        return "union"
    while isinstance(schema, Mapping):
        schema = schema["type"]
    return schema if isinstance(schema, str) else "union"


def _names(field: Mapping) -> list[str]:
    return [field["name"], *field.get("aliases", [])]


def _same_name(reader: Mapping, writer: Mapping) -> bool:
    """Readers look at the name without the namespace, and at the aliases."""
    simple = {name.rpartition(".")[2] for name in [reader["name"], *reader.get("aliases", [])]}
    return writer["name"].rpartition(".")[2] in simple


def _show(schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return "[" + ", ".join(_show(branch) for branch in schema) + "]"
    kind = schema["type"]
    if kind == "array":
        return f"array of {_show(schema['items'])}"
    if kind == "map":
        return f"map of {_show(schema['values'])}"
    if kind == "fixed":
        return f"{schema['name']} of {schema['size']} bytes"
    return schema.get("name") or _show(kind)


def _optional(schema: Any) -> str:
    branches = schema if isinstance(schema, list) else [schema]
    shown = [
        json.dumps(branch if isinstance(branch, str) else _show(branch)) for branch in branches if branch != "null"
    ]
    return f'"type": ["null", {", ".join(shown)}]'
