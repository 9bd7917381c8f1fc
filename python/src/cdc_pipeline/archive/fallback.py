"""One datum at a time by fastavro, for schemas (or datums) the columnar reader cannot take. Slow and strict."""

from __future__ import annotations

import io
import itertools
from typing import Any

import fastavro
import polars as pl

from cdc_pipeline.archive.avro_schema import PRIMITIVES, Node, full_name, namespace_in
from cdc_pipeline.archive.columns import raw_dtype
from cdc_pipeline.archive.errors import MalformedError
from cdc_pipeline.archive.json_text import to_json

_NUMBERS = itertools.count()


def strip(schema: Any, namespace: str = "") -> Any:
    """A schema without logical types and properties, so that fastavro returns what is on the wire.

    Each branch of a union of several types besides null becomes a record with one field, which has the branch's name
    and no bytes of its own: a value is read as ``{branch: value}``, as Avro's JSON encoding has it.
    """
    if isinstance(schema, list):
        branches = [strip(branch, namespace) for branch in schema]
        names = [_branch(branch, namespace) for branch in schema]
        if len(names) - names.count("null") < 2:
            return branches
        return [b if n == "null" else _tagged(n, b) for n, b in zip(names, branches, strict=True)]
    if not isinstance(schema, dict):
        return schema
    kept = {k: schema[k] for k in ("name", "namespace", "symbols", "size", "aliases") if k in schema}
    kept["type"] = strip(schema["type"], namespace)
    if "fields" in schema:
        inner = namespace_in(schema, namespace)
        kept["fields"] = [{"name": f["name"], "type": strip(f["type"], inner)} for f in schema["fields"]]
    for part in ("items", "values"):
        if part in schema:
            kept[part] = strip(schema[part], namespace)
    return kept


def _branch(schema: Any, namespace: str) -> str:
    """The name of a union's branch: of its type, or, of a type that has a name, the full one."""
    if isinstance(schema, dict):
        if "name" in schema:
            return full_name(schema["name"], namespace_in(schema, namespace))
        return _branch(schema["type"], namespace)
    return schema if schema in PRIMITIVES or schema in ("array", "map") else full_name(schema, namespace)


def _tagged(name: str, branch: Any) -> dict[str, Any]:
    # Without a namespace of its own, so that names within mean the same.
    return {"type": "record", "name": f"tagged_{next(_NUMBERS)}", "fields": [{"name": name, "type": branch}]}


class SlowReader:
    """Reads datums of one schema into the same columns as the columnar reader, decimals as their bytes."""

    def __init__(self, schema: Any, references: dict[str, Any], node: Node) -> None:
        named: dict[str, Any] = {}
        for other in references.values():
            fastavro.parse_schema(strip(other), named_schemas=named)
        self._schema = fastavro.parse_schema(strip(schema), named_schemas=named)
        self._named = named
        self._node = node

    def read(self, datums: list[bytes]) -> pl.DataFrame:
        """The datums as raw columns.

        Raises:
            MalformedError: a datum does not follow the schema, or has bytes left.
        """
        rows = [self._one(datum) for datum in datums]
        columns = [
            pl.Series(name, [_raw(row[name], field) for row in rows], dtype=raw_dtype(field, as_decimals=False))
            for name, field in self._node.fields
        ]
        return pl.DataFrame(columns)

    def _one(self, datum: bytes) -> dict[str, Any]:
        stream = io.BytesIO(datum)
        try:
            row = fastavro.schemaless_reader(stream, self._schema, None)
        except Exception as error:  # fastavro raises whatever its parts raise (EOFError, IndexError, struct.error, ...)
            raise MalformedError(f"the datum does not follow its schema ({type(error).__name__})") from error
        if stream.tell() != len(datum):
            raise MalformedError("the datum has bytes left after its last field")
        return row  # type: ignore[return-value]


def _raw(value: Any, node: Node) -> Any:
    if value is None:
        return None
    if node.kind == "union":
        return to_json(value)
    if node.kind == "enum":
        return node.symbols.index(value)
    if node.kind == "map":
        return [{"key": k, "value": _raw(v, node.items)} for k, v in value.items()]
    if node.kind == "array":
        return [_raw(v, node.items) for v in value]
    if node.kind == "record":
        return {name: _raw(value[name], field) for name, field in node.fields if field.kind != "null"}
    return value
