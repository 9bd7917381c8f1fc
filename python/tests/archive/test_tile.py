"""Keys, footers, objects."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import polars as pl
import pytest
from cdc_pipeline.archive import parquet, tile
from cdc_pipeline.archive.clients import url_safe
from cdc_pipeline.archive.errors import RefusedError, UnavailableError
from cdc_pipeline.archive.resolve import StoredChain
from cdc_pipeline.archive.store import PROBE, Store
from cdc_pipeline.archive.tile import Footer, Rejection, Seen, Source
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

SOURCE = Source("postgres.public.users", "GWw5_7IJSWegEo8-_V3xWw", 3)


def test_the_key_is_that_of_the_contract() -> None:
    key = tile.key("archive", SOURCE, 41, tile.hour_of(1_709_211_599_999))
    assert key == (
        "archive/postgres.public.users/year=2024/month=02/day=29/hour=12/"
        "postgres.public.users+GWw5_7IJSWegEo8-_V3xWw+3+00000000000000000041.parquet"
    )


@given(st.integers(0, 2**62), st.integers(-(2**63), 2**63 - 1))
def test_a_key_states_its_source_start_and_hour(start: int, timestamp: int) -> None:
    key = tile.key("p/q", SOURCE, start, tile.hour_of(timestamp))
    assert tile.parse(key) == (SOURCE, start)
    assert tile.parse(tile.name(SOURCE, start)) == (SOURCE, start)
    assert tile.hour_in(key) == tile.hour_of(timestamp)


@pytest.mark.parametrize("key", ["archive/.probe/abc", "a+b", "a+b+c+d.parquet", "", "a+b+1+x"])
def test_other_keys_are_no_tiles(key: str) -> None:
    assert tile.parse(key) is None


def test_a_topic_id_has_no_character_of_a_key() -> None:
    assert url_safe("GWw5/7IJSWegEo8+/V3xWw") == "GWw5_7IJSWegEo8-_V3xWw"


RANGE = st.none() | st.tuples(st.integers(0, 9), st.integers(10, 2**63))
SEEN = st.builds(
    Seen,
    consumed=st.integers(0),
    holes=st.integers(0),
    first_offset=st.none() | st.integers(0),
    last_offset=st.none() | st.integers(0),
    offsets_hash=st.text(),
    rows_hash=st.text(),
    skipped=st.integers(0),
    lsn=RANGE,
    commit_order=RANGE,
    commit_us=RANGE,
    leader_epoch=st.none() | st.integers(0),
    rules=st.dictionaries(st.text(), st.integers(0), max_size=3),
)


@given(st.sets(st.integers(0, 99)), st.booleans(), st.none() | SEEN)
def test_a_footer_survives_the_object(offsets: set[int], gap: bool, seen: Seen | None) -> None:
    rejected = tuple(Rejection(o, f"rule{o % 2}", f"reason {o % 3}") for o in sorted(offsets))
    footer = Footer(SOURCE, 0, 100, 0, rejected, schema_id=5, contract_version="1.2", gap=gap, seen=seen)
    body = parquet.encode(pl.DataFrame({"a": [1, 2]}), footer)
    read = parquet.decode_footer(body[-parquet.tail_needed(body) :])
    if seen is None:
        assert read == footer
        assert footer.rows + len(footer.rejected) + footer.holes == footer.next - footer.start
    else:
        size = int.from_bytes(body[-8:-4], "little")
        pages = hashlib.sha256(body[4 : -8 - size]).hexdigest()
        assert read == replace(footer, seen=replace(seen, pages_hash=pages))
        assert read.holes == seen.holes
    assert Footer.from_json(read.to_json()) == read


FORMAT_1 = (
    '{"format":1,"topic":"postgres.public.users","topic_id":"GWw5_7IJSWegEo8-_V3xWw","partition":3,"start":5,"next":9,'
    '"rows":2,"rejected_count":1,"holes":1,"schema_id":7,"contract_version":null,"gap":false,'
    '"rejected":[{"rule":"avro.datum","reason":"broken","offsets":[6]}]}'
)


def test_format_1_is_read_and_told_apart() -> None:
    footer = Footer.from_json(FORMAT_1)
    assert footer == Footer(SOURCE, 5, 9, 2, (Rejection(6, "avro.datum", "broken"),), schema_id=7)
    assert (footer.format, footer.holes, footer.leader_epoch) == (1, 1, None)
    assert footer.to_json() == FORMAT_1, "it is remembered as what it is"


@pytest.mark.parametrize(
    "text", [FORMAT_1.replace('"format":1', '"format":2'), FORMAT_1.replace(":1,", ":3,", 1), "{}"]
)
def test_another_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="footer"):
        Footer.from_json(text)


def test_the_footer_is_read_from_the_end_even_if_it_is_long() -> None:
    rejected = tuple(Rejection(o, "rule", f"reason number {o} of many") for o in range(5000))
    footer = Footer(SOURCE, 0, 5000, 0, rejected)
    store = Store(MemoryStore(), "p")
    body = parquet.encode(pl.DataFrame(schema={"a": pl.Int64}), footer)
    assert parquet.tail_needed(body) > parquet.TAIL
    assert store.put("k", body)
    assert not store.put("k", b"other")
    assert store.footer("k") == footer


@pytest.mark.parametrize("body", [b"", b"PAR1", b"not parquet at all"])
def test_what_is_no_tile_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match="does not end"):
        parquet.tail_needed(body)


def test_a_store_is_asked_to_refuse_a_second_write() -> None:
    store = Store(MemoryStore(), "p")
    store.prove_conditional_put()
    store.prove_conditional_put()
    assert [entry["path"] for page in store._client.list() for entry in page] == [f"p/{PROBE}"]

    class Overwrites(Store):
        def put(self, key: str, body: bytes) -> bool:
            super().put(key, body)
            return True

    with pytest.raises(RefusedError, match="If-None-Match"):
        Overwrites(MemoryStore(), "p").prove_conditional_put()

    class Pretends(Store):
        def put(self, key: str, body: bytes) -> bool:
            return False

    with pytest.raises(UnavailableError, match="does not have it"):
        Pretends(MemoryStore(), "p").prove_conditional_put()


def test_the_chain_is_listed_by_start_and_by_topic_id() -> None:
    store = Store(MemoryStore(), "p")
    other = Source(SOURCE.topic, "other", SOURCE.partition)
    for source, start, hour in ((SOURCE, 9, 1), (SOURCE, 10, 0), (SOURCE, 0, 2), (other, 5, 0)):
        assert store.put(tile.key("p", source, start, hour), b"x")
    chain = StoredChain(store, SOURCE)
    assert [tile.parse(key) for key in chain.keys.values()] == [(SOURCE, 0), (SOURCE, 9), (SOURCE, 10)]
    assert list(chain.keys) == [0, 9, 10]
