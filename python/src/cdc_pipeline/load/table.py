"""The load's own table, so that the users' tables stay untouched, and the transactions that are run on it.

Every change carries a number of its own, `seq`, by which it is found again in Kafka and in Parquet. Transaction k
makes the changes [k * size, (k + 1) * size): mostly inserts, and updates of rows of an earlier transaction of the same
writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TABLE = "public.pipeline_load"
# Of the changes of a transaction, the share that updates rows.
UPDATES = 0.2


def ddl(table: str = TABLE) -> str:
    """SQL that makes the table if it is not there. It can be run any time.

    The first columns are fixed in width and not null, so that a consumer finds `seq` at the same place in each event.
    """
    return f"""\
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS {table} (
    run integer NOT NULL,
    id bigint NOT NULL,
    seq bigint NOT NULL,
    amount numeric(12, 2) NOT NULL,
    made timestamptz NOT NULL,
    payload text NOT NULL,
    PRIMARY KEY (run, id)
);
COMMENT ON TABLE {table} IS 'Belongs to the load test of cdc.pipeline: rows come and go with each run';
"""


@dataclass(frozen=True)
class Transaction:
    """One transaction.

    Attributes:
        first: number of its first change.
        inserts, updates: how many of each; the inserts have the lower numbers.
        updated: id of the first row that is updated. Rows have as id the number of the change that inserted them.
    """

    number: int
    first: int
    inserts: int
    updates: int
    updated: int


def transaction(number: int, size: int, writers: int) -> Transaction:
    """Transaction ``number`` of ``size`` changes. Each writer makes every ``writers``-th, so its rows are there."""
    before = number - writers
    updates = int(size * UPDATES) if before >= 0 else 0
    return Transaction(number, number * size, size - updates, updates, before * size)


def insert_sql(table: str) -> str:
    """Rows of about 200 bytes as an event, made by the server: takes run, and the first and last id."""
    return f"""\
INSERT INTO {table.replace("%", "%%")} (run, id, seq, amount, made, payload)
SELECT %(run)s, n, n, (n %% 100000) / 100.0, clock_timestamp(),
       md5(n::text) || md5((n + 1)::text) || md5((n + 2)::text) || md5((n + 3)::text)
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""


def update_sql(table: str) -> str:
    """Takes run, the first and last id, and by how much a row's number rises."""
    return f"""\
UPDATE {table.replace("%", "%%")} SET seq = id + %(shift)s::bigint, amount = amount + 1, made = clock_timestamp()
WHERE run = %(run)s AND id BETWEEN %(first)s AND %(last)s"""


def insert_arguments(run: int, each: Transaction) -> dict[str, Any]:
    return {"run": run, "first": each.first, "last": each.first + each.inserts - 1}


def update_arguments(run: int, each: Transaction) -> dict[str, Any]:
    return {
        "run": run,
        "first": each.updated,
        "last": each.updated + each.updates - 1,
        "shift": each.first + each.inserts - each.updated,
    }
