"""Up to when a table is complete, by what Connect, Kafka and the objects say."""

from __future__ import annotations

import json
import time

import obstore
import pytest
from cdc_pipeline.cli import complete
from cdc_pipeline.cli.archive import Archive
from cdc_pipeline.cli.complete import Complete, complete_to, last_commit, progress_of
from cdc_pipeline.cli.lag import Lag
from shop import Shop


def offsets(**offset: object) -> dict:
    return {"offsets": [{"partition": {"server": "postgres"}, "offset": {"lsn": 2, "lsn_commit": 1, **offset}}]}


def test_the_connector_is_as_far_as_its_stored_position() -> None:
    assert progress_of(offsets(ts_usec=1_500_000)).of("public.t") == Complete(1.5)
    assert progress_of({"offsets": []}).of("public.t").why == "the connector has no position yet"


def test_the_time_of_a_snapshot_is_no_commit() -> None:
    """The connector's host tells it, so that it may be later than commits that are not captured yet."""
    running = progress_of(offsets(ts_usec=1, snapshot="INITIAL", last_snapshot_record=False, lsn_commit=None))
    assert running.of("public.t").why == "the first snapshot is not complete"
    ended = progress_of(offsets(ts_usec=1, snapshot="INITIAL", snapshot_completed=True, lsn_commit=None))
    streaming = progress_of(offsets(ts_usec=1, lsn_commit=None))
    assert ended.of("public.t") == streaming.of("public.t") == Complete(None, "no commit has followed the snapshot yet")
    waiting = json.dumps([{"incremental_snapshot_collections_id": "public.new"}])
    progress = progress_of(offsets(ts_usec=1_500_000, incremental_snapshot_collections=waiting))
    assert progress.of("public.new") == Complete(None, "its snapshot is not complete")
    assert progress.of("public.t") == Complete(None, "a snapshot of public.new is running")


def test_where_all_is_archived_the_connector_decides_else_the_slowest_partition() -> None:
    commits = {0: 7.0, 1: 5.0, 2: None}.get
    assert complete_to(Complete(9.0), Lag(), commits) == Complete(9.0)
    assert complete_to(Complete(9.0), Lag(3, 1.0, True, frozenset((0, 1))), commits) == Complete(5.0)
    # Partition 0 was archived further while this was found out, and nobody knows how far the others are.
    assert complete_to(Complete(6.0), Lag(3, 1.0, True, frozenset((0,))), commits) == Complete(6.0)
    unknown = complete_to(Complete(9.0), Lag(3, 1.0, True, frozenset((0, 2))), commits)
    assert unknown.until is None and "partition 2" in unknown.why
    assert complete_to(Complete(None, "why"), Lag(), commits) == Complete(None, "why")


def test_the_last_commit_of_an_object_is_of_no_row_of_a_snapshot(shop: Shop) -> None:
    rows = [
        {"id": 1, "__op": "u", "__source_ts_us": 9_000_000},
        # PostgreSQL's clock ran backwards: the order is the log's.
        {"id": 2, "__op": "d", "__source_ts_us": 8_000_000},
        {"id": 3, "__op": "r", "__source_ts_us": 10_000_000},
    ]
    key = shop.put("postgres.public.users", rows)
    assert last_commit(bytes(obstore.get(shop.store, key).bytes())) == 8.0
    key = shop.put("postgres.public.users", rows[2:], start=9)
    assert last_commit(bytes(obstore.get(shop.store, key).bytes())) is None


def test_a_query_does_not_wait_for_servers_that_are_down(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete, "_SECONDS", 0.2)
    monkeypatch.setattr(complete, "Completeness", lambda *_: time.sleep(2))
    found = complete.asked(shop, Archive(shop), ["public.users"])
    assert found == {"public.users": Complete(None, "Kafka does not answer within 0 s")}
