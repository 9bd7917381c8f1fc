"""A folder of a bucket is one pipeline's archive."""

from __future__ import annotations

import json

import obstore
import pytest
from cdc_pipeline.archive import owner, parquet, tile
from cdc_pipeline.archive.errors import RefusedError, UnavailableError
from cdc_pipeline.archive.owner import UNKNOWN, Owner, claim
from cdc_pipeline.archive.rows import OFFSET
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source
from obstore.store import MemoryStore
from polars import DataFrame, Int64

ONE, TWO = Owner("id-1", "local", "cluster"), Owner("id-2", "local", "cluster")
TOPICS = {"t": "topic-id", "u": "another-id"}
KEY = "p/.owner.json"


@pytest.fixture
def store() -> Store:
    return Store(MemoryStore(), "p")


def put(store: Store, topic_id: str, hour: int = 470_000) -> None:
    source = Source("t", topic_id, 0)
    body = parquet.encode(DataFrame(schema={OFFSET: Int64}), Footer(source, 0, 10, rows=10))
    assert store.put(tile.key("p", source, 0, hour), body)


def there(store: Store) -> Owner:
    found = store.read(KEY)
    assert found is not None
    return Owner.from_json(found)


def test_who_comes_first_has_it_and_keeps_it(store: Store) -> None:
    claim(store, ONE, TOPICS, None)
    first = there(store)
    assert (first.id, first.instance, first.cluster_id, first.former) == ("id-1", "local", "cluster", ())
    put(store, "topic-id")
    claim(store, ONE, TOPICS, None)
    claim(store, ONE, {}, "id-9")
    assert there(store) == first


def test_a_second_pipeline_is_refused_and_told_what_to_do(store: Store) -> None:
    claim(store, ONE, TOPICS, None)
    with pytest.raises(RefusedError) as caught:
        claim(store, TWO, TOPICS, None)
    text = str(caught.value)
    for part in (
        "archive at p of the bucket",
        "id-1",
        "local",
        "cluster",
        "archive_take_over_from",
        "prefix of its own",
    ):
        assert part in text
    with pytest.raises(RefusedError):
        claim(store, TWO, TOPICS, "id-3")
    assert there(store).id == "id-1"


def test_an_archive_is_continued_from_the_one_that_is_named(store: Store) -> None:
    claim(store, ONE, TOPICS, None)
    claim(store, TWO, TOPICS, "id-1")
    assert (there(store).id, there(store).former) == ("id-2", ("id-1",))
    claim(store, TWO, TOPICS, "id-1")  # it may stay set
    with pytest.raises(RefusedError):
        claim(store, ONE, TOPICS, None)


def test_another_prefix_is_another_archive() -> None:
    client = MemoryStore()
    claim(Store(client, "p"), ONE, TOPICS, None)
    claim(Store(client, "p2"), TWO, TOPICS, None)
    claim(Store(client, ""), TWO, TOPICS, None)


@pytest.mark.parametrize(
    ("ids", "mine"),
    [([], True), (["topic-id"], True), (["old-id"], False), (["topic-id", "old-id"], True)],
    ids=["empty", "mine", "another's", "a topic that was made again in one hour"],
)
def test_an_archive_of_before_there_were_owners_is_known_by_its_topic_ids(
    store: Store, ids: list[str], mine: bool
) -> None:
    for topic_id in ids:
        put(store, topic_id)
    if mine:
        claim(store, ONE, TOPICS, None)
        assert there(store).former == ()
        return
    with pytest.raises(RefusedError, match=f"to {UNKNOWN}$"):
        claim(store, ONE, TOPICS, None)
    claim(store, ONE, TOPICS, UNKNOWN)
    assert there(store).former == (UNKNOWN,)


def test_of_two_that_come_at_once_one_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = owner.judge

    def while_the_other_writes(*arguments: object) -> Owner | None:
        monkeypatch.setattr(owner, "judge", real)
        claim(store, ONE, TOPICS, None)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(owner, "judge", while_the_other_writes)
    with pytest.raises(UnavailableError):
        claim(store, TWO, TOPICS, None)
    with pytest.raises(RefusedError):
        claim(store, TWO, TOPICS, None)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", json.dumps({"id": 1}).encode()], ids=repr)
def test_an_owner_that_cannot_be_read_is_refused(store: Store, body: bytes) -> None:
    obstore.put(store._client, KEY, body)
    with pytest.raises(RefusedError, match="cannot be read"):
        claim(store, ONE, TOPICS, None)
