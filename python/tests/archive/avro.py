"""Avro values for tests, framed as the registry's clients frame them."""

from __future__ import annotations

import io
from typing import Any

import fastavro

HEAD = b"\0\0\0\0\x07"


def record(*fields: tuple[str, Any], name: str = "Value") -> dict[str, Any]:
    """A record type of named fields."""
    return {"type": "record", "name": name, "namespace": "shop", "fields": [{"name": n, "type": t} for n, t in fields]}


def named(kind: str, meaning: str) -> dict[str, Any]:
    """A type with Connect's name for its meaning."""
    return {"type": kind, "connect.version": 1, "connect.name": meaning}


def optional(kind: Any) -> list[Any]:
    return ["null", kind]


def decimal(precision: int, scale: int) -> dict[str, Any]:
    """What Debezium registers for numeric(p, s)."""
    logical = {"logicalType": "decimal", "precision": precision, "scale": scale}
    return {"type": "bytes", "connect.name": "org.apache.kafka.connect.data.Decimal"} | logical


def unscaled(number: int, size: int | None = None) -> bytes:
    """A decimal's bytes on the wire."""
    return number.to_bytes(size or (number.bit_length() // 8 + 1), "big", signed=True)


def plain(schema: Any) -> Any:
    """The schema without logical types, so that bytes are written as they are given."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: plain(v) if k in ("type", "items", "values") else v for k, v in schema.items() if k != "logicalType"} | (
        {"fields": [{"name": f["name"], "type": plain(f["type"])} for f in schema["fields"]]}
        if "fields" in schema
        else {}
    )


def encode(schema: Any, row: dict[str, Any]) -> bytes:
    """A framed datum."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(plain(schema)), row)
    return HEAD + out.getvalue()
