# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Verification writes in its own table only."""

from __future__ import annotations

import subprocess
from typing import Any

from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from site_runs import Site

USERS = ("users", "products", "orders", "order_items")
PROBE = "pipeline_probe"


def written(endpoints: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """What PostgreSQL has counted of each table: rows, and how many were ever inserted, updated and deleted."""
    with postgresql.connect(PostgresqlEndpoint(**endpoints["postgresql"])) as connection:
        counted = connection.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'public'"
        ).fetchall()
        rows = {
            name: connection.execute(f'SELECT count(*) FROM public."{name}"').fetchone()[0] for name in (*USERS, PROBE)
        }
    return {name: (rows[name], *numbers) for name, *numbers in counted if name in rows}


def test_verify_leaves_the_users_tables_untouched(running: Site):
    endpoints = running.endpoints()
    before = written(endpoints)
    command = [running.home / "bin/cdc", "verify", "--home", running.home]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    after = written(endpoints)
    assert {name: before[name] for name in USERS} == {name: after[name] for name in USERS}
    assert all(rows > 0 for rows, *_counters in (after[name] for name in USERS))
    # The counters do tell.
    assert after[PROBE] != before[PROBE]
