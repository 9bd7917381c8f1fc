# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Large rows and large transactions: what is small enough arrives, what is not arrives without its largest columns, and
neither stops what is beside it or ends a process for want of memory."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from added import Added
from archived import Object, context_of, objects_of
from cdc_pipeline.instance.context import Context
from cdc_pipeline.verify.archive_state import read_state
from conftest import Capture
from flow import Flow
from memory_plot import MIB, plotted
from site_runs import Site, shared_tables
from waiting import until

SERVERS = ("kafka-connect-0", "kafka-0", "kafka-1", "kafka-2")
# As the defaults have it, bytes.
LIMITS = {"kafka-connect-0": 1024 * MIB, "archive-0": 512 * MIB}
# Of the transactions that are larger than any heap.
SECONDS = 900


@pytest.fixture(scope="module")
def context(running: Site) -> Context:
    return context_of(running)


@pytest.fixture
def table(added: Added) -> str:
    return added.large


@pytest.fixture
def before(context: Context, table: str) -> int:
    """Rows of the table's archive so far; each test writes ids of its own."""
    return sum(tile.rows for tile in read_state(context, [context.plan.topic(table)]).tiles)


@pytest.fixture
def nothing_ends(running: Site, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The test ends with the processes that it began with: none ran out of memory. What two of them took is plotted."""
    before = running_of(running, *SERVERS, "archive-0")
    with plotted({name: (before[name], limit) for name, limit in LIMITS.items()}) as lines:
        yield
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert running_of(running, *before) == before


@pytest.fixture
def no_server_ends(running: Site, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """As `nothing_ends`, for a test with a run that restarts the archive."""
    before = running_of(running, *SERVERS)
    with plotted({"kafka-connect-0": (before["kafka-connect-0"], LIMITS["kafka-connect-0"])}) as lines:
        yield
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert running_of(running, *before) == before


def running_of(site: Site, *names: str) -> dict[str, int]:
    """Process ids, when all of them have run for long enough to be called running."""
    found = until(site.processes, lambda found: set(names) <= set(found), 60, f"{', '.join(names)} run")
    return {name: found[name] for name in names}


def execute(context: Context, statement: str) -> None:
    with context.postgresql() as connection:
        connection.execute(statement.encode())


def archived(objects: Iterable[Object], first: int, columns: str) -> list[tuple[Any, ...]]:
    """Of all rows from an id on, by id and order. One object at a time, since all together need not fit into memory."""
    found: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "tile.parquet"
        for each in objects:
            path.write_bytes(each.content)
            query = f"SELECT id, {columns} FROM '{path}' WHERE id >= {first} ORDER BY id, __commit_order, __lsn"
            found += connection.execute(query).fetchall()
    return sorted(found)


def test_a_text_of_more_than_a_megabyte_arrives(
    context: Context, table: str, before: int, flow: Flow, nothing_ends: None
):
    execute(context, f"INSERT INTO {table} (id, note) VALUES (11, repeat('x', 1200000))")
    objects = objects_of(context, table, before + 1, SECONDS)
    assert archived(objects, 11, "__op, strlen(note), __cut")[0] == (11, "c", 1_200_000, None)


@pytest.mark.parametrize(
    ("id", "value"),
    [(21, "repeat(md5('1'), 15 * 31250)"), pytest.param(22, "repeat('é', 7500000)", marks=pytest.mark.full)],
)
def test_a_row_of_15_mb_arrives(
    id: int, value: str, context: Context, table: str, before: int, flow: Flow, nothing_ends: None
):
    execute(context, f"INSERT INTO {table} (id, note) VALUES ({id}, {value})")
    execute(context, f"UPDATE {table} SET version = 1 WHERE id = {id}")
    found = archived(objects_of(context, table, before + 2, SECONDS), id, "__op, strlen(note), version, __cut")
    assert [row[:5] for row in found if row[0] == id] == [
        (id, "c", 15_000_000, 0, None),
        (id, "u", 15_000_000, 1, None),
    ]


@pytest.mark.full
def test_bytes_arrive_whose_text_in_the_log_is_twice_as_long(
    context: Context, table: str, before: int, nothing_ends: None
):
    execute(context, f"INSERT INTO {table} (id, raw) VALUES (31, decode(repeat('00ff', 7500000), 'hex'))")
    found = archived(objects_of(context, table, before + 1, SECONDS), 31, "octet_length(raw), __cut")
    assert found[0] == (31, 15_000_000, None)


@pytest.mark.full
def test_a_row_of_20_mb_arrives_without_its_largest_column(
    running: Site, context: Context, table: str, before: int, flow: Flow, nothing_ends: None
):
    execute(context, f"INSERT INTO {table} (id, note, raw) VALUES (41, repeat('y', 20000000), 'small')")
    found = archived(
        objects_of(context, table, before + 1, SECONDS), 41, "note, raw, (__cut['note']).bytes, (__cut['note']).sha256"
    )
    digest = hashlib.sha256(b"y" * 20_000_000).hexdigest()
    assert found[0] == (41, None, b"small", 20_000_000, digest)
    # Somebody is told.
    running.run(playbook="playbooks/verify.yml", cdc_tables=[*shared_tables(), table]).must_succeed()
    report = (running.reports / "verify.json").read_text()
    assert "archive.cut_rows" in report and context.plan.topic(table) in report
    assert "above max.bytes" in (running.home / "log/kafka-connect-0.log").read_text()


@pytest.mark.full
def test_twenty_updates_of_200_rows_of_96_kb(context: Context, table: str, before: int, flow: Flow, nothing_ends: None):
    text = "to_jsonb(repeat(md5(n::text), 3000))::text"
    execute(context, f"INSERT INTO {table} (id, note) SELECT n, {text} FROM generate_series(1001, 1200) n")
    for _time in range(20):
        execute(context, f"UPDATE {table} SET version = version + 1 WHERE id BETWEEN 1001 AND 1200")
    found = archived(objects_of(context, table, before + 21 * 200, SECONDS), 1001, "version, strlen(note)")
    mine = [row for row in found if row[0] <= 1200]
    assert mine == [(id, version, 96_002) for id in range(1001, 1201) for version in range(21)]


@pytest.mark.full
def test_a_transaction_of_4000_rows_of_480_kb(
    context: Context, table: str, before: int, flow: Flow, nothing_ends: None
):
    text = "repeat(md5(n::text), 15000)"
    execute(context, f"INSERT INTO {table} (id, note) SELECT n, {text} FROM generate_series(2001, 6000) n")
    found = archived(objects_of(context, table, before + 4000, SECONDS), 2001, "__op, strlen(note)")
    assert [row for row in found if row[0] <= 6000 and row[1] == "c"] == [
        (id, "c", 480_000) for id in range(2001, 6001)
    ]


@pytest.mark.full
def test_a_transaction_of_33000_changed_rows_of_25_kb_with_their_old_rows(
    context: Context, table: str, before: int, flow: Flow, nothing_ends: None
):
    text = "repeat(md5(n::text), 800)"
    execute(context, f"INSERT INTO {table} (id, note) SELECT n, {text} FROM generate_series(10001, 43000) n")
    execute(context, f"UPDATE {table} SET version = 1 WHERE id > 10000")
    found = archived(objects_of(context, table, before + 66_000, SECONDS), 10_001, "version, strlen(note)")
    assert found == [(id, version, 25_600) for id in range(10_001, 43_001) for version in (0, 1)]


@pytest.mark.full
def test_a_table_of_large_rows_that_is_added_brings_them_all(
    context: Context, table: str, capture: Capture, no_server_ends: None
):
    added = f"public.added_{uuid.uuid4().hex[:6]}"
    execute(context, f"CREATE TABLE {added} (id int PRIMARY KEY, note text)")
    try:
        text = "repeat(md5(n::text), 15000)"
        execute(context, f"INSERT INTO {added} SELECT n, {text} FROM generate_series(1, 2000) n")
        execute(context, f"INSERT INTO {added} SELECT n, repeat('x', 15000000) FROM generate_series(2001, 2010) n")
        capture(added)
        found = archived(objects_of(context, added, 2010, SECONDS), 1, "strlen(note)")
        assert found == [(id, 480_000 if id <= 2000 else 15_000_000) for id in range(1, 2011)]
    finally:
        capture()
        execute(context, f"DROP TABLE {added}")
