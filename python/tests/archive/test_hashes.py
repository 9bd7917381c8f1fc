"""The hashes of a footer, recomputed as the README says, by another reader and without the archive's code."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from cdc_pipeline.archive import hashes, parquet
from cdc_pipeline.archive.tile import Footer, Source
from hypothesis import given, settings
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1)


# --- what the README says, in Python's own types and without Polars


def rows_hash(columns: dict[str, tuple[Any, list[Any]]]) -> str:
    """Of columns by name: DuckDB's type and the values."""
    return hashlib.sha256(
        b"".join(
            column(name, kind, values)
            for name, (kind, values) in sorted(columns.items(), key=lambda item: item[0].encode())
            if any(value is not None for value in values)
        )
    ).hexdigest()


def column(name: str, kind: Any, values: list[Any]) -> bytes:
    there = b"\1" + bytes(value is not None for value in values) if None in values else b"\0"
    return name.encode() + b"\0" + there + content(kind, values)


def content(kind: Any, values: list[Any]) -> bytes:
    name = kind.id
    if name == "boolean":
        return b"b" + bytes(bool(value) for value in values)
    if name in ("float", "double"):
        width, code = (4, "f") if name == "float" else (8, "d")
        return b"f" + bytes([width]) + struct.pack(f"<{len(values)}{code}", *(0.0 if v is None else v for v in values))
    if name == "decimal":
        scale = dict(kind.children)["scale"]
        unscaled = [0 if v is None else int(v.scaleb(scale, Context(prec=50))) for v in values]
        return b"d" + bytes([scale]) + b"".join(v.to_bytes(16, "little", signed=True) for v in unscaled)
    if name in ("varchar", "blob"):
        parts = [b"" if v is None else v.encode() if isinstance(v, str) else bytes(v) for v in values]
        ends = [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
        return b"s" + struct.pack(f"<{len(ends)}q", *ends) + b"".join(parts)
    if name == "struct":
        fields = sorted(kind.children, key=lambda field: field[0].encode())
        return b"r" + b"".join(
            column(field, inner, [None if v is None else v[field] for v in values]) for field, inner in fields
        )
    if name in ("list", "map"):
        lists = [[] if v is None else v for v in values]
        lengths = b"l" + struct.pack(f"<{len(lists)}q", *map(len, lists))
        if name == "list":
            return lengths + column("item", dict(kind.children)["child"], [item for each in lists for item in each])
        pairs = [pair for each in lists for pair in (each.items() if each else ())]
        children = dict(kind.children)
        entries = column("key", children["key"], [k for k, _ in pairs])
        entries += column("value", children["value"], [v for _, v in pairs])
        return lengths + b"item\0\0r" + entries
    width, code = (4, "i") if name in ("integer", "date") else (8, "q")
    return b"i" + bytes([width]) + struct.pack(f"<{len(values)}{code}", *map(integer, values))


def integer(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return (value - EPOCH.date()).days
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 10**9 + value.microsecond * 1000
    return value


def by_duckdb(path: Path) -> str:
    with duckdb.connect() as base:
        source = f"FROM read_parquet('{path}')"
        relation = base.sql(f"SELECT * {source}")
        types = dict(zip(relation.columns, relation.types, strict=True))
        # Python's types for these need packages, or have no nanoseconds.
        shown = [
            f'"{name}"::TIMESTAMP' if str(kind) == "TIMESTAMP WITH TIME ZONE" else f'"{name}"'
            for name, kind in types.items()
        ]
        base.execute("SET TimeZone = 'UTC'")
        found = base.execute(f"SELECT {', '.join(shown)} {source} ORDER BY __offset").fetchall()
    return rows_hash({name: (types[name], [row[i] for row in found]) for i, name in enumerate(types)})


LETTERS = st.text(max_size=6)
VALUES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "b": (pl.Boolean(), st.booleans()),
    "i": (pl.Int32(), st.integers(-(2**31), 2**31 - 1)),
    "I": (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    "f": (pl.Float32(), st.floats(width=32)),
    "d": (pl.Float64(), st.floats()),
    "n": (pl.Decimal(12, 2), st.decimals(-(10**9), 10**9, places=2)),
    "N": (pl.Decimal(38, 0), st.integers(-(10**37), 10**37).map(Decimal)),
    "s": (pl.String(), LETTERS),
    "y": (pl.Binary(), st.binary(max_size=6)),
    "D": (pl.Date(), st.dates()),
    "t": (pl.Time(), st.times()),
    "T": (pl.Datetime("us"), st.datetimes()),
    "Z": (pl.Datetime("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "l": (pl.List(pl.String()), st.lists(LETTERS | st.none(), max_size=3)),
    "ll": (pl.List(pl.List(pl.Int32())), st.lists(st.none() | st.lists(st.integers(0, 9), max_size=2), max_size=2)),
    "r": (
        pl.Struct({"y": pl.Int64(), "x": pl.List(pl.String())}),
        st.fixed_dictionaries({"y": st.none() | st.integers(0, 9), "x": st.none() | st.lists(LETTERS, max_size=2)}),
    ),
    "m": (pl.Map(pl.String(), pl.String()), st.dictionaries(LETTERS, LETTERS, max_size=3)),
    "c": (
        pl.Map(pl.String(), pl.Struct({"bytes": pl.Int64(), "sha256": pl.String()})),
        st.dictionaries(LETTERS, st.fixed_dictionaries({"bytes": st.integers(0, 9), "sha256": LETTERS}), max_size=2),
    ),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6, unique=True))
    height = draw(st.integers(1, 6))
    series = [pl.Series("__offset", range(height), dtype=pl.Int64)]
    for name in names:
        dtype, values = VALUES[name]
        column = draw(st.lists(draw(st.sampled_from([values, values | st.none()])), min_size=height, max_size=height))
        # DuckDB tells names by more than their case.
        series.append(pl.Series(f"c{sorted(VALUES).index(name)}", column, dtype=dtype))
    return pl.DataFrame(series)


@settings(max_examples=150)
@given(frames())
def test_another_program_computes_the_same_hash_of_the_rows(tmp_path_factory: Any, frame: pl.DataFrame) -> None:
    path = tmp_path_factory.mktemp("tile") / "tile.parquet"
    path.write_bytes(parquet.encode(frame, Footer(Source("t", "i", 0), 0, frame.height, frame.height)))
    assert by_duckdb(path) == hashes.of_rows(frame) == hashes.of_rows(pl.read_parquet(path))


@given(frames(), st.integers(1, 5), st.integers(1, 100))
def test_it_is_the_same_in_however_many_steps_it_is_computed(frame: pl.DataFrame, batch: int, at_once: int) -> None:
    whole = hashes.of_rows(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "BATCH", batch)
        patch.setattr(hashes, "AT_ONCE", at_once)
        assert hashes.of_rows(frame) == whole


@pytest.mark.parametrize("kind", [pl.Int32, pl.String, pl.Boolean], ids=str)
def test_lists_have_any_number_of_items(kind: Any) -> None:
    items = pl.Series([*range(999_999), None], dtype=pl.Int32).cast(kind)
    frame = pl.DataFrame({"a": [items, items.head(3)]})
    lists = frame.get_column("a").to_list()
    flat = [item for each in lists for item in each]
    if kind == pl.String:
        data = "".join(item or "" for item in flat).encode()
        ends, end = [0], 0
        for item in flat:
            end += len(item or "")
            ends.append(end)
        content = b"s" + struct.pack(f"<{len(ends)}q", *ends) + data
    elif kind == pl.Boolean:
        content = b"b" + bytes(bool(item) for item in flat)
    else:
        content = b"i\x04" + struct.pack(f"<{len(flat)}i", *(item or 0 for item in flat))
    there = b"\1" + bytes(item is not None for item in flat)
    expected = b"a\0\0l" + struct.pack("<2q", *map(len, lists)) + b"item\0" + there + content
    assert hashes.of_rows(frame) == hashlib.sha256(expected).hexdigest()


@given(frames(), st.data())
def test_it_is_one_of_the_values_alone(frame: pl.DataFrame, data: st.DataObject) -> None:
    expected = hashes.of_rows(frame)
    order = data.draw(st.permutations(frame.columns))
    assert hashes.of_rows(frame.select(order)) == expected
    assert hashes.of_rows(frame.with_columns(pl.lit(None, pl.String).alias("added later"))) == expected
    at = data.draw(st.integers(0, frame.height))
    parts = pl.concat([frame.head(at), frame.slice(at)], rechunk=False)
    assert hashes.of_rows(parts) == expected
    assert hashes.of_rows(pl.concat([frame, frame]).slice(frame.height)) == expected


def test_each_change_of_a_value_changes_it() -> None:
    frame = pl.DataFrame(
        [
            pl.Series("a", [1, None, 3]),
            pl.Series("s", ["a", "b", None]),
            pl.Series("l", [["a", None], None, []], dtype=pl.List(pl.String)),
            pl.Series("m", [{"a": "b"}, None, {}], dtype=pl.Map(pl.String, pl.String)),
        ]
    )
    changed = [
        frame.with_columns(a=pl.Series([1, 0, 3])),
        frame.with_columns(a=pl.Series([1, None, 4])),
        frame.with_columns(s=pl.Series(["ab", "", None])),
        frame.with_columns(s=pl.Series(["a", "b", ""])),
        frame.with_columns(l=pl.Series([["a", ""], None, []], dtype=pl.List(pl.String))),
        frame.with_columns(l=pl.Series([["a", None], [], []], dtype=pl.List(pl.String))),
        frame.with_columns(l=pl.Series([["a"], [None], []], dtype=pl.List(pl.String))),
        frame.with_columns(m=pl.Series([{"a": "c"}, None, {}], dtype=pl.Map(pl.String, pl.String))),
        frame.rename({"a": "b"}),
        frame.reverse(),
        frame.head(2),
    ]
    found = Counter(hashes.of_rows(each) for each in [frame, *changed])
    assert set(found.values()) == {1}


def test_the_hash_of_offsets() -> None:
    assert hashes.of_offsets([]) == hashlib.sha256(b"").hexdigest()
    assert hashes.of_offsets([1, 2**40]) == hashlib.sha256(struct.pack("<qq", 1, 2**40)).hexdigest()


@pytest.mark.parametrize("height", [0, 1, 100_000])
def test_of_any_number_of_rows(height: int) -> None:
    frame = pl.DataFrame(
        {"a": range(height), "s": [str(i) for i in range(height)]}, schema={"a": pl.Int64, "s": pl.String}
    )
    parts = b"".join(str(i).encode() for i in range(height))
    ends, total = [0], 0
    for i in range(height):
        total += len(str(i))
        ends.append(total)
    expected = b"a\0\0i\x08" + struct.pack(f"<{height}q", *range(height))
    expected += b"s\0\0s" + struct.pack(f"<{height + 1}q", *ends) + parts
    assert hashes.of_rows(frame) == hashlib.sha256(expected if height else b"").hexdigest()
