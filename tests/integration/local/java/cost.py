# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What reading, transforming and encoding an event costs, by the settings of 39700d6 and by those of now, by turns.

python -m pytest -s tests/integration/local/java/cost.py

The events are those of the load test: transactions of 100 rows of some 200 bytes, a fifth of them updates.
"""

from __future__ import annotations

import statistics
import subprocess

import psycopg
from connector import BEFORE, Connector

TABLE = "public.load"
EVENTS, LINES, WARM, PAIRS = 100_000, 8, 4, 3
VERSIONS = {"before": (BEFORE, "DEFAULT"), "now": ({}, "DEFAULT"), "now, identity FULL": ({}, "FULL")}


def _fill(database: psycopg.Connection, events: int) -> None:
    """Rows and updates of rows, in transactions of 100."""
    database.execute(
        f"""DO $$ BEGIN FOR k IN 0..{events // 100} LOOP
        INSERT INTO load SELECT 1, k * 100 + i, k * 100 + i, i * 1.25, now(), repeat(md5(i::text), 4)
        FROM generate_series(1, 80) i;
        UPDATE load SET seq = seq + 80 WHERE run = 1 AND id BETWEEN k * 100 + 1 AND k * 100 + 20;
        COMMIT; END LOOP; END $$"""
    )


def _measured(connector: Connector, settings: dict[str, str], identity: str) -> float:
    """CPU microseconds an event, when warm."""
    database = connector.database
    database.execute(f"TRUNCATE load; ALTER TABLE load REPLICA IDENTITY {identity}")
    slot = {"slot.name": f"cost_{identity.lower()}_{len(settings)}"}
    command = connector.command("Cost", [TABLE], EVENTS, LINES, measured=True, **settings, **slot)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        _fill(database, EVENTS * (LINES + 1))
        lines = [float(line) for line in process.stdout]
    database.execute("SELECT pg_drop_replication_slot(%s)", (slot["slot.name"],))
    assert len(lines) == LINES
    print(f"{identity} {sorted(settings)[:1]}: {lines}", flush=True)
    return statistics.median(lines[WARM:])


def test_cost(connector: Connector):
    connector.database.execute(
        "CREATE TABLE load (run int NOT NULL, id bigint NOT NULL, seq bigint NOT NULL, amount numeric(12, 2) NOT NULL,"
        " made timestamptz NOT NULL, payload text NOT NULL, PRIMARY KEY (run, id))"
    )
    found: dict[str, list[float]] = {name: [] for name in VERSIONS}
    for pair in range(PAIRS):
        for name in sorted(VERSIONS, reverse=bool(pair % 2)):
            found[name].append(_measured(connector, *VERSIONS[name]))
    for name, figures in found.items():
        more = [figure - before for figure, before in zip(figures, found["before"], strict=True)]
        print(
            f"{name:20}", *(f"{statistics.median(of):8.2f} ({min(of):.2f} to {max(of):.2f})" for of in (figures, more))
        )
