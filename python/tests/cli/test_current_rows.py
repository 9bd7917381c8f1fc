"""The rows of a table as they are now: random histories, as Parquet that DuckDB writes, against a table in memory.

What is expected is the table itself after its last commit; nothing here looks for the last change of a key.

Longer than 400 lines: single cases are written and read by the same functions as the histories.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.views import changes_query, current_query, identifier, literal, read_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = ("k", "n")
# Columns of any name, some of which the query uses for itself.
LARGE = ("name", "the 'value'")
COLUMNS = {"k": "DOUBLE", "n": "INTEGER", "small": "INTEGER", **dict.fromkeys(LARGE, "VARCHAR")}
OLD = {
    "__deleted": "VARCHAR",
    "__op": "VARCHAR",
    "__lsn": "BIGINT",
    "__txId": "BIGINT",
    "__ts_us": "BIGINT",
    "__source_ts_us": "BIGINT",
}
POSITION = {"__partition": "INTEGER", "__offset": "BIGINT"}
CUT = "STRUCT(bytes BIGINT, sha256 VARCHAR)"
AS_MAPS = {
    "__commit_order": "BIGINT",
    "__text": "MAP(VARCHAR, VARCHAR)",
    "__unsent": "VARCHAR[]",
    "__cut": f"MAP(VARCHAR, {CUT})",
}
AS_LISTS = {
    **AS_MAPS,
    "__text": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "__cut": f"STRUCT(key VARCHAR, value {CUT})[]",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Beside:
    """A value that its column does not hold: PostgreSQL's text."""

    text: str


@dataclass(frozen=True)
class Cut:
    """A value that was too large."""

    size: int
    digest: str


def sql(value: Any, kind: str = "") -> str:
    """A value as SQL. A dictionary is a map, or a list of keys and values, as the type says."""
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        if kind.startswith("MAP"):
            inner = ", ".join(f"{literal(k)}: {sql(v)}" for k, v in value.items())
            return f"MAP {{{inner}}}"
        inner = ", ".join(f"{{'key': {literal(k)}, 'value': {sql(v)}}}" for k, v in value.items())
        return f"[{inner}]"
    if isinstance(value, Cut):
        return f"{{'bytes': {value.size}, 'sha256': {literal(value.digest)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(sql, value))}]"
    return literal(value) if isinstance(value, str) else str(value)


def write(file: Path, rows: list[Row], types: dict[str, str]) -> None:
    """A Parquet file of rows; what a row leaves out is null."""
    lines = [f"({', '.join(f'{sql(row.get(n), t)}::{t}' for n, t in types.items())})" for row in rows]
    names = ", ".join(map(identifier, types))
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {', '.join(lines)}) AS t({names})) TO {literal(str(file))}")


def as_written(row: Row) -> Row:
    """A row with what its columns cannot hold beside it."""
    text = {name: value.text for name, value in row.items() if isinstance(value, Beside)}
    cut = {name: value for name, value in row.items() if isinstance(value, Cut)}
    plain = {name: value for name, value in row.items() if name not in text and name not in cut}
    return {**plain, "__text": text or None, "__cut": cut or None}


@dataclass
class History:
    """A table in PostgreSQL, and what the pipeline makes of its changes.

    Attributes:
        table: the committed rows by key.
        old: whether the pipeline is of before there was a commit order.
        files: rows of each object, with its columns.
    """

    random: random.Random
    table: dict[tuple[Any, Any], Row] = field(default_factory=dict)
    old: bool = False
    files: list[tuple[list[Row], dict[str, str]]] = field(default_factory=list)
    wal: int = 1000
    clock: int = 5_000_000
    committed: int = 1000
    transactions: int = 0
    partitions: int = 1
    ends: dict[int, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=lambda: AS_MAPS)

    def key(self) -> tuple[Any, Any]:
        beside = [] if self.old else [Beside("NaN"), Beside("Infinity")]
        return self.random.choice([1.5, 2.0, None, *beside]), self.random.choice([1, 2])

    def value(self, name: str) -> Any:
        plain = [None, 1, 2] if name == "small" else [None, f"v{self.wal}"]
        beside = [] if self.old else [Beside(f"t{self.wal}"), Cut(self.wal, f"d{self.wal}")]
        return self.random.choice([*plain, *beside])

    def lsn(self) -> int:
        self.wal += self.random.randint(1, 9)
        return self.wal

    def put(self, row: Row, **own: Any) -> None:
        """A record: to the partition of its key as there are now, into the last object or a new one."""
        kinds = dict(OLD) if self.old else {**OLD, **self.types}
        # The clock of the connector's host runs backwards at times, once nothing depends on it.
        self.clock += self.random.randint(1, 5) if self.old else self.random.randint(-2000, 1000)
        partition = hash(str([row.get(key) for key in KEYS])) % self.partitions
        offset = self.ends.get(partition, 0)
        self.ends[partition] = offset + self.random.randint(1, 3)
        own = {"__ts_us": self.clock, "__partition": partition, "__offset": offset, **own}
        kinds = {**COLUMNS, **kinds, **POSITION}
        if not self.files or self.files[-1][1] != kinds or self.random.random() < 0.2:
            self.files.append(([], kinds))
        self.files[-1][0].append({**as_written(row), **own})

    def change(self, operation: str, row: Row, at: int, transaction: int, unsent: list[str] | None = None) -> None:
        own = {"__op": operation, "__deleted": str(operation in "dt").lower(), "__lsn": at, "__txId": transaction}
        if not self.old:
            own |= {"__commit_order": self.committed, "__unsent": unsent or None}
        self.put({name: value for name, value in row.items() if name not in (unsent or ())}, **own)

    def snapshot(self, keys: list[tuple[Any, Any]]) -> None:
        """Rows as they are, with no LSN of their own, or one that says nothing of their order."""
        for key in keys:
            own = {"__op": "r", "__deleted": "false", "__lsn": self.random.choice([None, 1, self.wal + 500])}
            self.put(self.table[key], **own, **({} if self.old else {"__commit_order": self.committed}))

    def delete(self, key: tuple[Any, Any], row: Row, at: int, transaction: int) -> None:
        if self.old:  # which invented values for columns that were not sent
            self.change("d", {**dict(zip(KEYS, key, strict=True)), "small": 0, "name": ""}, at, transaction)
        elif self.random.random() < 0.2:  # full replica identity
            self.change("d", row, at, transaction)
        else:
            self.change("d", row, at, transaction, [name for name in COLUMNS if name not in KEYS])

    def transactions_at_once(self) -> None:
        """Some transactions, whose changes have LSNs in turns, and which are sent in the order of their commits."""
        count = self.random.randint(1, 3)
        if self.random.random() < 0.1:
            count = 1  # TRUNCATE waits for the others, and they for it
        ids = [self.transactions + n for n in range(1, count + 1)]
        self.transactions += count
        sent: dict[int, list[tuple[Any, ...]]] = {each: [] for each in ids}
        state = {key: dict(row) for key, row in self.table.items()}
        owner: dict[Any, int] = {}
        for _ in range(self.random.randint(1, 8)):
            each = self.random.choice(ids)
            key = self.key()
            other = self.key()
            if count == 1 and not self.old and self.random.random() < 0.15:
                sent[each].append(("t", self.lsn()))
                state.clear()
            elif owner.setdefault(str(key), each) != each:
                continue  # it waits for the lock of the row
            elif key not in state:
                state[key] = {**dict(zip(KEYS, key, strict=True)), **{c: self.value(c) for c in ("small", *LARGE)}}
                sent[each].append(("c", self.lsn(), dict(state[key]), None))
            elif (what := self.random.random()) < 0.2:
                sent[each].append(("d", self.lsn(), key, state.pop(key)))
            else:
                row = state[key]
                kept = [c for c in LARGE if row[c] is not None and self.random.random() < 0.6]
                changed = {c: self.value(c) for c in ("small", *LARGE) if c not in kept}
                at = self.lsn()
                unsent = [] if self.old else kept
                if what < 0.5 and other not in state and owner.setdefault(str(other), each) == each:
                    sent[each].append(("d", at, key, state.pop(key)))
                    state[other] = {**row, **dict(zip(KEYS, other, strict=True)), **changed}
                    sent[each].append(("c", at, dict(state[other]), unsent))
                else:
                    state[key] = {**row, **changed}
                    sent[each].append(("u", at, dict(state[key]), unsent))
        self.random.shuffle(ids)
        for each in ids:
            for operation, at, *rest in sent[each]:
                if operation == "t":
                    self.change("t", {}, at, each)
                elif operation == "d":
                    self.delete(*rest, at, each)
                else:
                    self.change(operation, rest[0], at, each, rest[1])
            self.committed = self.lsn()
        self.table = state

    def run(self) -> None:
        self.old = self.random.random() < 0.3
        for _ in range(self.random.randint(1, 10)):
            self.transactions_at_once()
            if self.random.random() < 0.2:
                self.snapshot([key for key in self.table if self.random.random() < 0.5])
            if self.random.random() < 0.15:
                self.partitions += 1
            if self.random.random() < 0.15:  # the topic is made again
                self.ends.clear()
            if self.old and self.random.random() < 0.4:
                self.old = False

    def expected(self) -> list[str]:
        return sorted(str(as_written(row)) for row in self.table.values())


def shown(folder: Path, more: str = "", keys: Sequence[str] = KEYS) -> list[Row]:
    """What the view of current rows has."""
    files = f"{folder}/*.parquet"
    with duckdb.connect() as connection:
        shape = read_shape(connection, files)
        found = connection.execute(f"SELECT * FROM ({current_query(files, keys, shape)}) {more}")
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def comparable(row: Row) -> str:
    cut = row["__cut"] and {name: Cut(each["bytes"], each["sha256"]) for name, each in row["__cut"].items()}
    text = row["__text"]
    row = {name: value for name, value in row.items() if name not in {*(text or {}), *(cut or {})} or value is not None}
    own = {"__text": in_order(text), "__cut": in_order(cut)}
    return str({**{name: row[name] for name in COLUMNS if name in row}, **own})


def in_order(entries: Row | None) -> Row | None:
    """Entries of a map in the order of the columns: maps have none."""
    return entries and {name: entries[name] for name in COLUMNS if name in entries}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.booleans())
def test_they_are_the_table_whatever_happened(chance: random.Random, lists: bool) -> None:
    history = History(chance, types=AS_LISTS if lists else AS_MAPS)
    history.run()
    with tempfile.TemporaryDirectory() as folder:
        for number, (rows, kinds) in enumerate(history.files):
            write(Path(folder) / f"{chance.randint(0, 9)}-{number}.parquet", rows, kinds)
        if not history.files:
            return
        found = shown(Path(folder))
    assert sorted(map(comparable, found)) == history.expected()
    assert {str(row["__unsent"]) for row in found} <= {"None"}, "every value was sent once"


NEW = {**COLUMNS, **OLD, **AS_MAPS, **POSITION}


def record(operation: str, lsn: int, **more: Any) -> Row:
    """A change in a transaction of its own, of the row (1.5, 1) unless it says otherwise."""
    own = {"__op": operation, "__deleted": str(operation in "dt").lower(), "__lsn": lsn, "__commit_order": lsn - 1}
    return {"k": 1.5, "n": 1, **own, "__txId": lsn, "__ts_us": 1, "__partition": 0, "__offset": lsn, **more}


def test_a_value_that_was_never_sent_is_named(tmp_path: Path) -> None:
    rows = [
        record("u", 10, small=1, name="x", __unsent=["the 'value'"]),
        # What was before an insert, of which the delete is missing, is another row's.
        record("c", 20, n=2, name="of another row"),
        record("c", 30, n=2, __unsent=["name"]),
    ]
    write(tmp_path / "0.parquet", rows, NEW)
    found = {row["n"]: row for row in shown(tmp_path)}
    assert (found[1]["the 'value'"], found[1]["__unsent"], found[1]["name"]) == (None, ["the 'value'"], "x")
    assert (found[2]["name"], found[2]["__unsent"]) == (None, ["name"])


def test_a_row_whose_key_changed_twice_has_the_values_of_its_last_life(tmp_path: Path) -> None:
    others = ["small", *LARGE]
    rows = [
        record("c", 10, name="first", **{"the 'value'": "kept"}),
        record("d", 20, __unsent=others),
        record("c", 20, n=2, name="second", __unsent=["the 'value'"]),
        record("d", 30, n=2, __unsent=others),
        record("c", 30, n=3, __unsent=list(LARGE)),
        # Nobody sent the name of this one since its insert, whatever its key had before.
        record("c", 40, n=4, name="of another row"),
        record("c", 50, n=4, __unsent=["name"]),
        record("d", 60, n=4, __unsent=others),
        record("c", 60, n=5, __unsent=["name"]),
    ]
    write(tmp_path / "0.parquet", rows, NEW)
    found = {row["n"]: row for row in shown(tmp_path)}
    assert (found[3]["name"], found[3]["the 'value'"], found[3]["__unsent"]) == ("second", "kept", None)
    assert (found[5]["name"], found[5]["__unsent"]) == (None, ["name"])


def test_a_key_that_is_the_same_to_duckdb_keeps_its_row(tmp_path: Path) -> None:
    """As 1.5 and 1.50 are: a delete and an insert at one LSN, in two partitions."""
    rows = [
        record("c", 10, name="large", small=1, __offset=900),
        record("d", 20, __unsent=["small", *LARGE], __offset=901),
        record("c", 20, small=2, __unsent=["name"], __partition=1, __offset=0),
    ]
    write(tmp_path / "0.parquet", rows, NEW)
    assert [(row["name"], row["small"], row["__unsent"]) for row in shown(tmp_path)] == [("large", 2, None)]
    write(tmp_path / "0.parquet", [{**row, "__unsent": None} for row in rows], NEW)
    assert [row["small"] for row in shown(tmp_path)] == [2], "where every value is sent"


def test_objects_of_before_have_every_column_in_the_views(tmp_path: Path) -> None:
    old = {"__op": "c", "__deleted": "false", "__lsn": 7, "__ts_us": 5, "__partition": 0, "__offset": 0}
    write(tmp_path / "0.parquet", [{"k": 1.5, "n": 1, "small": 3, **old}], {**COLUMNS, **OLD, **POSITION})
    with duckdb.connect() as connection:
        files = f"{tmp_path}/*.parquet"
        shape = read_shape(connection, files)
        assert connection.execute(f"SELECT small FROM ({current_query(files, KEYS, shape)})").fetchall() == [(3,)]
        connection.execute(f"CREATE VIEW changes AS {changes_query(files, shape.types)}")
        query = "SELECT __text['k'], __cut['k'].bytes, __commit_order, len(__unsent) FROM changes"
        assert connection.execute(query).fetchall() == [(None, None, None, None)]


@pytest.mark.parametrize("stamp", [None, 1])
def test_rows_of_before_are_in_the_order_of_their_partition_where_their_times_are_not(
    tmp_path: Path, stamp: int | None
) -> None:
    """Nobody says that a delete in the same microsecond was of a former row."""
    old = {"__commit_order": None, "__ts_us": stamp}
    rows = [record("c", 10, **old), record("d", 20, **old), record("d", 30, n=2, **old), record("c", 40, n=2, **old)]
    write(tmp_path / "0.parquet", rows, NEW)
    assert [row["n"] for row in shown(tmp_path)] == [2]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE"])
@pytest.mark.parametrize("unsent", [None, ["small"]])
def test_an_infinite_key_is_one_whether_its_column_or_its_text_says_so(
    tmp_path: Path, kind: str, unsent: list[str] | None
) -> None:
    """Objects of before this version hold the number that DuckDB reads as infinity."""
    old = {"__op": "c", "__deleted": "false", "__commit_order": None, "small": 1}
    rows = [
        record("c", 10, **{**old, "k": "infinity", "name": "old"}),
        record("c", 11, **{**old, "k": "-infinity", "name": "old"}),
        record("u", 20, k=None, __text={"k": "infinity"}, name="new", __unsent=unsent),
        record("d", 30, k=None, __text={"k": "-infinity"}),
    ]
    write(tmp_path / "0.parquet", rows, {**NEW, "k": kind})
    assert [(row["name"], row["small"]) for row in shown(tmp_path)] == [("new", 1 if unsent else None)]


# What the query, and DuckDB's reader of Parquet, call things of their own.
ITS_OWN = (
    *("file_row_number", "file_index", "filename", "__at", "source_0", "sent_0", "former_0", "from_0", "key_0", "each"),
    *("seq", "gone", "began", "key", "life", "last", "target", "back", "value", "text", "cut", "__changes", "__now"),
    *("column_0", "column_1", "column_2", "Column_3", "entry"),
)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("name", ITS_OWN)
def test_a_column_may_have_any_name_that_the_query_uses(tmp_path: Path, name: str, moved: bool) -> None:
    """As a part of the key, as a column that was not sent, and as one that was."""
    own = {**OLD, **AS_MAPS, **POSITION}
    for number, (keys, unsent) in enumerate([((name,), "big"), (("id",), name), (("id",), "big")]):
        kinds = {**dict.fromkeys(("id", name), "INTEGER"), "big": "VARCHAR", **own}
        rows = [{**record("c", 10 + n, __offset=n), "id": n, name: n, "big": f"{n}", unsent: f"{n}"} for n in range(3)]
        last = {**record("u", 20, __unsent=[unsent], __offset=3), "id": 1, name: 1, "big": "1", unsent: None}
        rows.append(last)
        if moved:
            gone = [each for each in ("id", name, "big") if each not in keys]
            rows.append({**record("d", 30, __unsent=gone, __offset=4), keys[0]: 1})
            rows.append({**last, **record("c", 30, __unsent=[unsent], __offset=5), keys[0]: 7})
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder / "0.parquet", rows[:2], kinds)
        write(folder / "1.parquet", rows[2:], kinds)
        found = {row[keys[0]]: row for row in shown(folder, keys=keys)}
        changed = found[7 if moved else 1]
        assert set(found) == {0, 2, 7 if moved else 1} and len(found) == 3
        assert (str(changed[unsent]), changed["__unsent"], found[2][unsent] is None) == ("1", None, False)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("Id", "id", "more")], "Id and id"),
        ([("Id",), ("id",)], "Id and id"),
        ([("k", "__TEXT")], "__TEXT and __text"),
        ([("k", "__TXID")], "__TXID and __txId"),
    ],
)
@pytest.mark.parametrize("own", [{}, OLD])
def test_names_that_differ_by_their_case_alone_are_refused(
    tmp_path: Path, files: list[tuple[str, ...]], said: str, own: dict[str, str]
) -> None:
    """DuckDB would rename one of them, or take two for one. A name within a value is no column."""
    nested = pl.Series("nested", [{"Id": 1, "inner": [{"ID": 2}]}])
    for number, names in enumerate(files):
        columns = {name: pl.Series(name, [1]) for name in (*names, *own)}
        pl.DataFrame([nested, *columns.values()]).write_parquet(tmp_path / f"{number}.parquet")
    with duckdb.connect() as connection, pytest.raises(CdcError, match=f"columns {said} differ by case only"):
        read_shape(connection, f"{tmp_path}/*.parquet")
    pl.DataFrame([nested]).write_parquet(tmp_path / "0.parquet")
    assert list(read_shape(duckdb.connect(), f"{tmp_path}/0.parquet").types) == ["nested"]
