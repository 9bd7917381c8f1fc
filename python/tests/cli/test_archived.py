"""What `cdc tables` says of the archive."""

from __future__ import annotations

import obstore
from cdc_pipeline.cli.archived import last_change, newest
from cdc_pipeline.cli.lag import Lag
from cdc_pipeline.instance.objects import Object, list_objects
from shop import Shop

USERS = "postgres.public.users"


def test_the_last_commit_is_in_the_last_object_of_a_partition(shop: Shop) -> None:
    shop.put(USERS, [{"id": 1, "__ts_us": 9_000_000, "__source_ts_us": 8_000_000}])
    last = shop.put(USERS, [{"id": 1, "__ts_us": 7_000_000}, {"id": 2, "__ts_us": 3, "__source_ts_us": 2}], start=1)
    former = shop.put(USERS, [{"id": 1, "__ts_us": 1_000_000}], topic_id="former")
    found = newest(list_objects(shop.store, f"archive/{USERS}"))
    assert {each.key for each in found} == {last, former}

    def fetch(each: Object) -> bytes:
        return bytes(obstore.get(shop.store, each.key).bytes())

    assert last_change(found, fetch) == 7.0, "a row of a snapshot has no commit of its own"
    assert last_change([], fetch) is None


def test_the_age_of_the_oldest_record() -> None:
    assert Lag(3, 100.0).seconds(103.5) == 3.5
    assert Lag().seconds(103.5) == 0.0
    assert Lag(1, 104.0).seconds(103.5) == 0.0, "clocks differ"
