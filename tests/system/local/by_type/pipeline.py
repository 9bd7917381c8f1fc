# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A running pipeline: what it captures, and the objects that it has written."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

import httpx
import obstore
import psycopg
import yaml
from cdc_pipeline.clients import postgresql, s3
from cdc_pipeline.endpoints import ObjectStoreEndpoint, PostgresqlEndpoint
from history import SETTINGS
from reader import Row, read
from signed_in import signed_in
from site_runs import ROOT, Site
from tables import SCHEMA, Table
from waiting import until, wait

# Until what was committed is in objects, at most.
_ARCHIVED = 60
_STEP = 0.5
_SETTLES = 1


class Pipeline:
    """A running pipeline, and which of its objects were read already.

    Attributes:
        run: in the names of tables, since topics stay where tables go.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.run = uuid.uuid4().hex[:6]
        # What is written into it last is archived last.
        self._last = f"{SCHEMA}.last_{self.run}"
        self._endpoints = site.endpoints()
        where = ObjectStoreEndpoint(**self._endpoints["object_store"])
        self._store = s3.store(where)
        self._prefix = where.prefix
        self._read: set[str] = set()

    def connect(self) -> psycopg.Connection:
        """As the database's superuser, with the settings under which PostgreSQL's texts are compared."""
        where = PostgresqlEndpoint(**self._endpoints["postgresql"])
        return postgresql.connect(where, options=SETTINGS)

    def capture(self, tables: Sequence[Table]) -> None:
        """Have these tables captured beside those that every instance has, and no other ones of the tests."""
        shared = yaml.safe_load((ROOT / "roles/common/defaults/main/pipeline.yml").read_text())["cdc_tables"]
        more = [*(each.qualified for each in tables), *([self._last] if tables else [])]
        self.site.run("--tags", "connectors,archive", cdc_tables=[*shared, *more]).must_succeed()

    def snapshot_again(self) -> None:
        """Have the connector begin as if it had never run, with the initial snapshot of every table."""
        with signed_in(self._endpoints["kafka_connect"], "writer") as client:
            (name,) = [each for each in client.get("/connectors").json() if each.endswith("-cdc")]
            client.put(f"/connectors/{name}/stop").raise_for_status()
            status = f"/connectors/{name}/status"
            until(lambda: client.get(status).json()["connector"]["state"], lambda s: s == "STOPPED", 60, "it stops")
            # Until its task has ended, its offsets cannot be taken away.
            until(
                lambda: client.delete(f"/connectors/{name}/offsets", timeout=60),
                lambda answer: answer.status_code < 300,
                90,
                "its offsets are taken away",
            )
            client.put(f"/connectors/{name}/resume").raise_for_status()
            until(
                lambda: _states(client.get(status)),
                lambda states: states and set(states) == {"RUNNING"},
                90,
                "it runs",
            )

    def mark(self, connection: psycopg.Connection) -> None:
        """Write what comes last."""
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self._last} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        connection.execute(f"INSERT INTO {self._last} DEFAULT VALUES")

    def archived(self, tables: Mapping[str, int], operation: str) -> dict[str, list[Row]]:
        """The rows of each table that are in objects which were not read before.

        Args:
            tables: how many rows are waited for, by a table's name.
            operation: by which the mark comes that is waited for too: r of a snapshot, or c.
        """
        last = self._topic(self._last)
        found: dict[str, list[Row]] = {name: [] for name in tables}
        marked = False

        def all_there() -> bool:
            nonlocal marked
            self._flush()
            marked = marked or any(row.operation == operation for row in self._new(last))
            for name, rows in found.items():
                rows += self._new(self._topic(f"{SCHEMA}.{name}"))
            return marked and all(len(found[name]) >= count for name, count in tables.items())

        # What is missing then, the comparison says.
        wait(all_there, bool, _ARCHIVED, _STEP)
        # For what should not come.
        time.sleep(_SETTLES)
        self._flush()
        for name, rows in found.items():
            rows += self._new(self._topic(f"{SCHEMA}.{name}"))
        return found

    def _flush(self) -> None:
        with signed_in(self._endpoints["archive"]) as archive:
            archive.post("/flush?timeout=30").raise_for_status()

    def _topic(self, table: str) -> str:
        return f"postgres.{table}"

    def _new(self, topic: str) -> list[Row]:
        rows: list[Row] = []
        for page in obstore.list(self._store, prefix=f"{self._prefix}/{topic}/"):
            for each in page:
                key = each["path"]
                if key.endswith(".parquet") and key not in self._read:
                    self._read.add(key)
                    rows += read(bytes(obstore.get(self._store, key).bytes()))
        return rows


def _states(answer: httpx.Response) -> list[str]:
    status = answer.json()
    return [status["connector"]["state"], *(each["state"] for each in status["tasks"] or [{"state": "NONE"}])]
