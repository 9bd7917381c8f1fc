# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A table that is taken out of `cdc_tables` while the archive holds rows of it that it has not written yet."""

from __future__ import annotations

import uuid

import pytest
from archived import context_of
from cdc_pipeline.verify.archive_state import read_state
from conftest import Capture
from site_runs import Site, shared_tables

ROWS = 100


@pytest.mark.full
def test_it_is_archived_to_its_end(running: Site, capture: Capture):
    context = context_of(running)
    table = f"public.out_{uuid.uuid4().hex[:6]}"
    topic = f"{context.plan.expected.connectors.topic_prefix}.{table}"
    with context.postgresql() as connection:
        connection.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
        try:
            capture(table)
            # Far fewer than fill an object, which time alone would make, a minute later.
            connection.execute(f"INSERT INTO {table} SELECT n FROM generate_series(1, {ROWS}) n")
            capture()
            assert sum(tile.rows for tile in read_state(context, [topic]).tiles) == ROWS
            again = running.run("--tags", "connectors,archive", cdc_tables=shared_tables()).must_succeed()
            assert again.changed == 0
            assert topic not in (running.home / "archive-0/config/archive.yml").read_text()
        finally:
            connection.execute(f"DROP TABLE {table}")
