"""Each partition is resolved for itself: what one lacks holds up no other, and no topic is listed for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import obstore
import pytest
from cdc_pipeline.archive import parquet, tile
from cdc_pipeline.archive.clients import Key, Topic
from cdc_pipeline.archive.errors import UnavailableError, UnreadableError
from cdc_pipeline.archive.position import Committed, Log, Start, Stop, metadata
from cdc_pipeline.archive.resolve import Resolved, Resolver, StoredChain, Unresolved
from cdc_pipeline.archive.rows import OFFSET
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source
from cdc_pipeline.archive.walk import MARGIN, Walk
from obstore.store import MemoryStore
from polars import DataFrame, Int64

HOUR = 470_000
EMPTY = DataFrame(schema={OFFSET: Int64})


class Cluster:
    """Topics ``t`` and ``u``; what is committed is given."""

    def __init__(self, committed: dict[Key, Committed | None]) -> None:
        self._committed = committed
        self.failed: dict[Key, str] = {}
        self.timestamps = "LogAppendTime"

    def topics(self, names: Iterable[str], not_before: float | None = None) -> dict[str, Topic]:
        return {name: Topic(name, f"id-{name}", 9) for name in names if name != "gone"}

    def settings_of(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        return {name: {"cleanup.policy": "delete", "message.timestamp.type": self.timestamps} for name in names}

    def committed_of(self, keys: Iterable[Key]) -> tuple[dict[Key, Committed | None], dict[Key, str]]:
        return {key: self._committed.get(key) for key in keys}, self.failed

    def logs_of(self, keys: Iterable[Key]) -> tuple[dict[Key, Log], dict[Key, str]]:
        return {key: Log(0, 1000) for key in keys}, {}


class Counting(Store):
    """Counts what is listed and read."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), "p")
        self.listed: list[str] = []
        self.got: list[str] = []

    def within(self, folder: str) -> Iterator[str]:
        self.listed.append(folder)
        return super().within(folder)

    def footer_if_there(self, key: str) -> Footer | None:
        self.got.append(key)
        return super().footer_if_there(key)


def source(partition: int, topic: str = "t", topic_id: str = "") -> Source:
    return Source(topic, topic_id or f"id-{topic}", partition)


def put(store: Store, of: Source, start: int, end: int, hour: int = HOUR) -> str:
    key = tile.key("p", of, start, hour)
    assert store.put(key, parquet.encode(EMPTY, Footer(of, start, end, rows=end - start)))
    return key


def spoil(store: Store, key: str, body: bytes = b"no parquet at all") -> None:
    obstore.put(store._client, key, body)


def resolve(store: Store, cluster: Cluster, *keys: Key) -> dict[Key, Any]:
    out: dict[Key, Any] = {}
    for one in Resolver(cluster, store).resolve(keys):  # type: ignore[arg-type]
        if isinstance(one, Unresolved):
            out[one.key] = one
        else:
            out[one.source.topic, one.source.partition] = one
    return out


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"no parquet at all", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1" + b"\0" * 90 + b"\x10\0\0\0PAR1"],
    ids=repr,
)
@pytest.mark.parametrize("committed", [True, False])
def test_an_unreadable_object_at_the_end_of_a_chain_stops_its_partition_alone(body: bytes, committed: bool) -> None:
    store = Counting()
    spoiled, good = put(store, source(0), 0, 10), put(store, source(1), 0, 10)
    spoil(store, spoiled, body)
    put(store, source(0, "u"), 0, 10)
    offsets = {("t", 0): Committed(10, spoiled), ("t", 1): Committed(10, good)} if committed else {}
    found = resolve(store, Cluster(offsets), ("t", 0), ("t", 1), ("u", 0))
    stop = found["t", 0].start
    assert isinstance(stop, Stop)
    assert stop.kind == "unreadable" and spoiled in stop.reason and "Restore it" in stop.reason
    assert found["t", 1].start.position == 10
    assert found["u", 0].start.position == 10


def test_an_object_that_the_store_does_not_return_now_is_asked_for_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Counting()
    keys = [put(store, source(p), 0, 10) for p in range(2)]
    real = Store.footer_if_there

    def fails(self: Store, key: str) -> Footer | None:
        if key == keys[0]:
            raise UnavailableError("500")
        return real(self, key)

    monkeypatch.setattr(Counting, "footer_if_there", fails)
    found = resolve(store, Cluster({}), ("t", 0), ("t", 1))
    assert found["t", 0] == Unresolved(("t", 0), "500")
    assert found["t", 1].start == Start(10, 10, commit=True)


def test_a_topic_that_is_gone_and_an_offset_that_is_locked_hold_up_no_other() -> None:
    cluster = Cluster({})
    cluster.failed = {("t", 1): "an open transaction"}
    found = resolve(Counting(), cluster, ("gone", 0), ("t", 0), ("t", 1))
    assert isinstance(found["gone", 0], Unresolved)
    assert found["t", 1] == Unresolved(("t", 1), "an open transaction")
    assert isinstance(found["t", 0], Resolved)


@pytest.mark.parametrize("swapped", [False, True])
def test_an_emptied_or_exchanged_bucket_is_noticed_at_the_start(swapped: bool) -> None:
    store = Counting()
    key = tile.key("p", source(0), 90, HOUR)
    if swapped:
        put(store, source(0, topic_id="of-another-kafka"), 90, 100)
    found = resolve(store, Cluster({("t", 0): Committed(100, key)}), ("t", 0))["t", 0].start
    assert isinstance(found, Stop)
    assert (found.kind, found.missing) == ("tile_missing", (0, 100))
    assert key in found.reason
    put(store, source(0), 0, 100)  # what `accept-gap` writes
    assert resolve(store, Cluster({("t", 0): Committed(100, key)}), ("t", 0))["t", 0].start == Start(100, 100)


def test_with_its_key_committed_the_last_tile_costs_one_request() -> None:
    store = Counting()
    keys = {p: put(store, source(p), 90, 100) for p in range(9)}
    offsets: dict[Key, Committed | None] = {
        ("t", p): Committed(100, metadata(key, 100, 104 + p)) for p, key in keys.items()
    }
    found = resolve(store, Cluster(offsets), *offsets)
    assert {one.start.position for one in found.values()} == {100}
    assert {one.last_key for one in found.values()} == set(keys.values())
    assert store.listed == [] and len(store.got) == 9


def test_without_offsets_no_hour_is_listed_twice_and_old_ones_not_at_all() -> None:
    store = Counting()
    for hours_ago in range(200):
        for p in range(5):
            put(store, source(p), 10 * (200 - hours_ago), 10 * (200 - hours_ago) + 10, HOUR - hours_ago)
    found = resolve(store, Cluster({}), *(("t", p) for p in range(5)))
    assert {one.start.position for one in found.values()} == {2010}
    assert len(store.listed) == len(set(store.listed)) == MARGIN + 1


def test_a_later_tile_may_lie_in_an_earlier_hour() -> None:
    """The brokers' clocks differ by a little, or were set back by a day."""
    store = Counting()
    put(store, source(0), 0, 10, HOUR)
    last = put(store, source(0), 10, 20, HOUR - 24)
    assert StoredChain(store, source(0), Walk(store, "t")).last_key == last


def test_where_producers_say_the_time_the_whole_topic_is_looked_through_once() -> None:
    store = Counting()
    cluster = Cluster({})
    cluster.timestamps = "CreateTime"
    for p in range(3):
        put(store, source(p), 0, 10, HOUR)
        put(store, source(p), 10, 20, HOUR - 5000)
    found = resolve(store, cluster, *(("t", p) for p in range(3)))
    assert {one.start.position for one in found.values()} == {20}
    assert len(store.listed) == 2


def test_other_objects_in_a_topics_folder_are_passed_over() -> None:
    store = Counting()
    key = put(store, source(0), 0, 10)
    for other in (
        "p/t/notes.txt",
        "p/t/year=abcd/month=01/x",
        "p/t/year=2024/readme",
        "p/t2/year=2090/month=01/day=01/x",
    ):
        spoil(store, other)
    assert StoredChain(store, source(0)).last_key == key
    assert resolve(store, Cluster({}), ("t", 0))["t", 0].start == Start(10, 10, commit=True)


def test_what_is_met_when_a_tile_is_written_may_be_unreadable() -> None:
    from cdc_pipeline.archive import write

    store = Counting()
    key = put(store, source(0), 0, 10)
    spoil(store, key)
    with pytest.raises(UnreadableError, match="cannot be read as a tile"):
        write.land(write.Prepared(key, b"body", Footer(source(0), 0, 10, rows=10)), store)
