"""The bucket's listing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import obstore
from obstore.store import S3Store

_PAGE = 1000


@dataclass(frozen=True)
class Object:
    """An entry of the bucket's listing. ``tag``: the entity tag, which changes with the content."""

    key: str
    size: int
    tag: str
    modified: datetime


def list_objects(store: S3Store, folder: str) -> Iterator[Object]:
    """Every object below a folder."""
    for page in obstore.list(store, prefix=folder, chunk_size=_PAGE):
        for entry in page:
            yield Object(entry["path"], entry["size"], str(entry.get("e_tag") or ""), entry["last_modified"])
