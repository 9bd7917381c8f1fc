"""Whose archive a folder of a bucket is: one object says it, written once and compared at every start.

Two pipelines in one folder would each take the other's tiles for theirs, or for foreign ones. What tells them apart is
an id that Kafka made and keeps with its data (`Cluster.identity`); names and cluster ids may be the same in two places.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cdc_pipeline.archive.errors import RefusedError, UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.walk import Walk

NAME = ".owner.json"
UNKNOWN = "unknown"
"""The id to take over from where objects are there and none says whose they are."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A pipeline.

    Attributes:
        id: what is compared.
        instance: its name, for people.
        cluster_id: of its Kafka, for people.
        since: when it took the folder, ISO 8601.
        former: ids of those that it took the folder over from, the latest last.
    """

    id: str
    instance: str
    cluster_id: str
    since: str = ""
    former: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """The object."""
        return json.dumps({"format": 1, **asdict(self)}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Owner:
        """Inverse of `to_json`.

        Raises:
            ValueError: it is none.
        """
        try:
            raw = json.loads(text)
            return cls(raw["id"], raw["instance"], raw["cluster_id"], raw["since"], tuple(raw["former"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an owner: {error!r}") from error

    def __str__(self) -> str:
        return f"instance {self.instance or '?'}, Kafka cluster {self.cluster_id}, id {self.id}, since {self.since}"


def judge(mine: Owner, there: Owner | None, tiles: str, take_over_from: str | None) -> Owner | None:
    """What to write, or None where the folder is mine already.

    Args:
        there: whom the object names.
        tiles: without an object, whose tiles are there: ``none``, ``mine`` or ``foreign``.
        take_over_from: the id whose archive the operator says is to be continued.

    Raises:
        RefusedError: it is another's.
    """
    if there is not None:
        if there.id == mine.id:
            return None
        if take_over_from == there.id:
            return _since(mine, (*there.former, there.id))
        raise RefusedError(
            f"it is the archive of another pipeline ({there}). This one is {mine.id} (instance {mine.instance or '?'}, "
            f"Kafka cluster {mine.cluster_id}). Give each pipeline a bucket or prefix of its own. If that one is gone "
            f"and this one is to continue its archive, set take_over_from (archive_take_over_from) to {there.id}"
        )
    if tiles == "foreign" and take_over_from != UNKNOWN:
        raise RefusedError(
            "it has objects of these topics, all of other topic ids than those of this Kafka, and nothing says whose "
            "they are. Give each pipeline a bucket or prefix of its own. If this one is to continue that archive, set "
            f"take_over_from (archive_take_over_from) to {UNKNOWN}"
        )
    return _since(mine, (UNKNOWN,) if tiles == "foreign" else ())


def _since(mine: Owner, former: tuple[str, ...]) -> Owner:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Owner(mine.id, mine.instance, mine.cluster_id, now, former)


def claim(store: Store, mine: Owner, topics: Mapping[str, str], take_over_from: str | None) -> None:
    """Take the store's folder, or see that it is mine.

    Args:
        topics: ids of the topics that are archived and exist, by name.

    Raises:
        RefusedError: it is another's.
        UnavailableError: the store does not answer.
    """
    key = f"{store.prefix}/{NAME}".lstrip("/")
    where = f"the archive at {store.prefix or 'the root'} of the bucket cannot be used: "
    body = store.read(key)
    try:
        there = None if body is None else Owner.from_json(body)
    except ValueError as error:
        reason = f"{key} cannot be read ({error}). Restore it, or delete it if the archive is this pipeline's"
        raise RefusedError(where + reason) from error
    try:
        wanted = judge(mine, there, "none" if there else _tiles(store, topics), take_over_from)
    except RefusedError as error:
        raise RefusedError(where + str(error)) from error
    if wanted is None:
        return
    if there is not None:
        store.replace(key, wanted.to_json())
    elif not store.put(key, wanted.to_json()):
        raise UnavailableError(f"{key} was written meanwhile; it is read again")
    LOGGER.info("took the archive", extra={"key": key, "owner": wanted.id, "former": list(wanted.former)})


def _tiles(store: Store, topics: Mapping[str, str]) -> str:
    """Whose tiles are there, by the newest of each topic: an archive of before there were owners says it by its ids."""
    found = False
    for topic, topic_id in topics.items():
        ids = {source.topic_id for source in Walk(store, topic).latest()}
        if topic_id in ids:
            return "mine"
        found = found or bool(ids)
    return "foreign" if found else "none"
