# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A key of any type: Debezium compares keys between two chunks of a table, others are read as a whole."""

from __future__ import annotations

import time
from collections import Counter

import psycopg
import pytest
from cdc_pipeline.capture.catalogue import read_facts
from cdc_pipeline.capture.facts import Settings
from cdc_pipeline.names import Table
from connector import Connector
from test_every_type import TYPES
from values import INTERNAL, MODIFIED, SETUP, values

# Distinct keys that are alike, or in another order, to something that is less exact than their type.
NEAR = {
    "bigint": ["9007199254740993", "9007199254740992", "-9007199254740993"],
    "double precision": ["0.1", "0.30000000000000004", "1.7976931348623157e308"],
    "real": ["16777216", "0.1", "0.10000001", "1.1754942e-38"],
    "numeric": ["9007199254740993", "9007199254740992", "1e-400"],
    "numeric(38,0)": ["9007199254740993", "9007199254740992"],
    "text": ["a", "B", "a ", "'", "\\", "1", "10", "9", "e\u0301", "\u00e9"],
    "character varying": ["a", "B", "1", "10"],
    "citext": ["abc", "ABD"],
    "boolean": ["t", "f"],
    "xid8": ["1", "10", "9"],
    "oid": ["1", "2147483648"],
    "timestamp with time zone": ["2024-10-27 01:30:00.123456+00", "2024-10-27 02:30:00.123457+00"],
    "timestamp without time zone": ["2024-03-31 02:30:00.123456", "2024-03-31 03:30:00.123457"],
    "time with time zone": ["12:00:00.000001+02", "11:00:00.000001+01"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "bytea": ["\\x00", "\\xff", "\\x61"],
    "interval": ["30 days", "1 mon 1 day", "24:00:01"],
    "inet": ["10.0.0.2", "9.0.0.0"],
    '"char"': ["\\303", "\\", "\\200"],
    "date": ["1582-10-10", "1582-10-20"],
}


def made(database: psycopg.Connection) -> dict[str, Table]:
    """A table for each type that can be a key, with a row for each value and one more column in the key."""
    database.execute(SETUP)
    database.execute("CREATE TABLE many ()")
    types = [name for (name,) in database.execute(TYPES, {"internal": list(INTERNAL)}).fetchall()] + list(MODIFIED)
    tables = {}
    # Arrays are never read in chunks; python/tests/capture has them.
    types = [name for name in types if not name.endswith("[]")]
    for number, name in enumerate(types):
        table = Table("public", f"t{number}")
        try:
            database.execute(f"CREATE TABLE {table.table} (k {name}, n int, PRIMARY KEY (k, n))".encode())
        except psycopg.errors.UndefinedObject:  # no order, so no key
            continue
        for text in [*values(name), *NEAR.get(name, [])]:
            row = f"({psycopg.sql.Literal(text).as_string(database)}::{name}, 1)"
            database.execute(f"INSERT INTO {table.table} VALUES {row} ON CONFLICT DO NOTHING".encode())
        database.execute(f"INSERT INTO {table.table} SELECT k, 2 FROM {table.table}".encode())
        tables[name] = table
    return tables


def until_all(connector: Connector, database: psycopg.Connection, count: int) -> None:
    """Wait for all records while some come. Debezium reads the next chunk after the next commit of any transaction."""
    database.execute("CREATE TABLE other (n int)")
    most, end = 0, time.monotonic() + 240
    while (found := connector.count()) < count and connector.process.poll() is None and time.monotonic() < end:
        if found > most:
            most, end = found, time.monotonic() + 240
        database.execute("INSERT INTO other SELECT 1")
        time.sleep(0.01 if found else 1)


@pytest.mark.timeout(900)
def test_every_type_as_a_key_that_is_read_in_chunks(database: psycopg.Connection, connector: Connector):
    tables = made(database)
    facts = read_facts(database, Settings(role="postgres", tables=tuple(t.text for t in tables.values()))).relations
    chunked = {name: table for name, table in tables.items() if facts[table].keyed}
    counts = {n: database.execute(f"SELECT count(*) FROM {t.table}".encode()).fetchone()[0] for n, t in chunked.items()}
    topics = {f"postgres.public.{table.table}": name for name, table in chunked.items()}
    database.execute("CREATE TABLE first (id int PRIMARY KEY)")
    database.execute("INSERT INTO first VALUES (1)")
    connector.start(
        ["public.first", *(f"public.{table.table}" for table in chunked.values())],
        snapshot__include__collection__list="public.first",
        incremental__snapshot__chunk__size=1,
    )
    connector.wait(1)
    connector.snapshot(*(f"public.{table.table}" for table in chunked.values()))
    until_all(connector, database, 1 + sum(counts.values()))
    rows = Counter(topics.get(row["topic"]) for row in connector.stop())
    lacking = {name: (rows[name], count) for name, count in counts.items() if rows[name] != count}
    assert not lacking
    assert {"integer", "numeric", "real", "text", "uuid", "timestamp with time zone", "mood", "dnumx"} <= set(chunked)
