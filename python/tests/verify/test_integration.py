"""The parts of verify that speak to servers in their own way, on real ones."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import obstore
import polars as pl
import pytest
from cdc_pipeline.archive.parquet import encode
from cdc_pipeline.archive.tile import Footer, Source, key
from cdc_pipeline.endpoints import Login, PostgresqlEndpoint
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.objects import list_objects
from cdc_pipeline.instance.plan import parse_plan
from cdc_pipeline.verify.chain import follow
from cdc_pipeline.verify.checks.connectors import judge_session
from cdc_pipeline.verify.footers import Memory, read_tiles
from cdc_pipeline.verify.quorum import describe_quorum
from cdc_pipeline.verify.streaming import StreamError, settings_of_sender, stream_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif("CDC_ENDPOINTS" not in os.environ, reason="CDC_ENDPOINTS names no servers"),
]


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(parse_plan({"endpoints": json.loads(Path(os.environ["CDC_ENDPOINTS"]).read_text())}))


@pytest.fixture
def prefix(context: Context) -> Iterator[str]:
    name = f"verify-test-{uuid.uuid4().hex[:8]}"
    yield name
    for each in list(list_objects(context.store, name)):
        obstore.delete(context.own_store, each.key)


def put(context: Context, prefix: str, source: Source, start: int, rows: int) -> str:
    name = key(prefix, source, start, 490_000)
    frame = pl.DataFrame({"id": list(range(rows))}, schema={"id": pl.Int64})
    obstore.put(context.own_store, name, encode(frame, Footer(source, start, start + 10, rows)))
    return name


def test_footers_are_read_and_remembered(context: Context, prefix: str, tmp_path: Path) -> None:
    source = Source("postgres.public.t", "a_-b", 0)
    names = [put(context, prefix, source, start, 10) for start in range(0, 200, 10)]
    for _ in range(2):
        memory = Memory(str(tmp_path), "store")
        tiles, bad = read_tiles(context.store, f"{prefix}/{source.topic}", memory)
        memory.close()
        chain = follow(tiles)
        assert (len(tiles), bad, chain.problems, chain.rows, chain.end) == (20, [], [], 200, 200)
    # Another content under a known name is read anew.
    obstore.put(context.own_store, names[3], b"not a tile")
    memory = Memory(str(tmp_path), "store")
    tiles, bad = read_tiles(context.store, f"{prefix}/{source.topic}", memory)
    assert [each.key for each in bad] == [names[3]]
    assert follow(tiles).problems == ["gap: offsets [30, 40) are in no tile"]
    assert memory.known(f"{prefix}/other") == {}
    memory.close()


def test_a_footer_that_is_not_true_is_seen(context: Context, prefix: str) -> None:
    source = Source("t", "id", 0)
    name = key(prefix, source, 0, 490_000)
    obstore.put(context.own_store, name, encode(pl.DataFrame({"id": [1]}), Footer(source, 0, 10, 10)))
    tiles, _ = read_tiles(context.store, f"{prefix}/t", Memory("", ""))
    assert follow(tiles).problems == [f"{name} has 1 rows, its footer says 10"]


def test_wal_streams_and_the_slot_goes(context: Context) -> None:
    where = context.plan.endpoints.postgresql
    text = uuid.uuid4().hex

    def emit() -> None:
        with context.postgresql() as connection:
            connection.execute("SELECT pg_logical_emit_message(true, 'heartbeat', %s)", (text,))

    slot = f"verify_test_{text[:8]}"
    assert (stream_until(where, slot, "debezium_publication", emit, text.encode(), 10) or 0) > len(text)
    assert stream_until(where, slot, "debezium_publication", lambda: None, b"nobody writes this", 1) is None
    with pytest.raises(StreamError, match="invalid character"):
        stream_until(where, "No Slot", "debezium_publication", emit, text.encode(), 5)


@pytest.fixture
def stubborn(context: Context) -> Iterator[PostgresqlEndpoint]:
    """A database that gives who signs in other settings, for itself and for the role.

    That is the superuser here: nobody else is let into every database.
    """
    where, name = context.plan.endpoints.postgresql, f"verify_{uuid.uuid4().hex[:8]}"
    with context.postgresql() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            connection.execute(f"ALTER DATABASE {name} SET bytea_output = 'escape'")
            connection.execute(f"ALTER DATABASE {name} SET quote_all_identifiers = on")
            for setting in ("extra_float_digits = -5", "IntervalStyle = 'sql_standard'", "DateStyle = 'SQL, DMY'"):
                connection.execute(f'ALTER ROLE "{where.user}" IN DATABASE {name} SET {setting}')
            yield replace(where, dbname=name, cdc=Login(where.user, where.password))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_sender_has_what_its_options_say(context: Context, stubborn: PostgresqlEndpoint) -> None:
    pinned = {
        "bytea_output": "hex",
        "DateStyle": "ISO, MDY",
        "extra_float_digits": "1",
        "IntervalStyle": "postgres",
        "quote_all_identifiers": "off",
    }
    bare = judge_session(pinned, settings_of_sender(stubborn, "", pinned))
    # What the role has for itself does not hold where it has something for the database.
    assert not bare.ok and {"DateStyle", "extra_float_digits", "IntervalStyle"} <= bare.found.keys()
    name = context.kafka_connect.get("/connectors").json()[0]
    options = context.kafka_connect.get(f"/connectors/{name}/config").json()["database.options"]
    assert judge_session(pinned, settings_of_sender(stubborn, options, pinned)).ok


def test_the_quorum_is_described_by_any_broker(context: Context) -> None:
    where = context.plan.endpoints.kafka
    for address in where.bootstrap_servers.split(","):
        quorum = describe_quorum(replace(where, bootstrap_servers=address))
        assert quorum.leader in quorum.voters
        assert quorum.high_watermark > 0
