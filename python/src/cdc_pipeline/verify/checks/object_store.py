"""T10: the bucket, who may use it, and the conditional writes that exactly-once rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.finding import Finding, Step, equal
from cdc_pipeline.verify.footers import list_objects

_WRITERS = 8
_STATUS = re.compile(r"403 Forbidden|401 Unauthorized")


def _key(context: Context, name: str) -> str:
    prefix = context.plan.endpoints.object_store.prefix
    return "/".join(part for part in (prefix, ".verify", f"{context.run}-{name}") if part)


def _bucket(context: Context) -> Iterator[Finding]:
    where = context.plan.endpoints.object_store
    hint = "Is the store up, and are the credentials right? Run the tag object_store."
    next(iter(list_objects(context.store, _key(context, "none"))), None)
    yield Finding("T10.bucket", f"bucket {where.bucket}", "it can be listed", "it can be listed", True, hint)
    if not where.access_key_id:
        return
    found = "it is let in"
    try:
        next(iter(list_objects(context.store_with(where.access_key_id, "wrong"), _key(context, "none"))), None)
    except BaseError as error:
        status = _STATUS.search(str(error))
        found = status[0] if status else type(error).__name__
    yield equal(
        "T10.wrong_credentials",
        "answer to a wrong secret key",
        "403 Forbidden",
        found,
        "Does the store let anybody in? Give it identities.",
    )


def _conditional(context: Context) -> Iterator[Finding]:
    store, key = context.store, _key(context, "race")
    hint = "This store cannot keep two writers apart; use one that honours If-None-Match: *."
    try:
        with ThreadPoolExecutor(_WRITERS) as pool:
            won = [
                number for number, first in enumerate(pool.map(lambda n: _put(store, key, n), range(_WRITERS))) if first
            ]
        yield equal("T10.conditional_put", f"winners of {_WRITERS} writers of one key", 1, len(won), hint)
        content = bytes(obstore.get(store, key).bytes())
        yield equal(
            "T10.winner_stays", "the object is the winner's", [str(each) for each in won], [content.decode()], hint
        )
    finally:
        obstore.delete(store, key)


def _put(store: S3Store, key: str, number: int) -> bool:
    try:
        obstore.put(store, key, str(number).encode(), mode="create", use_multipart=False)
    except AlreadyExistsError:
        return False
    return True


STEPS = (
    Step("T10.bucket", "object_store", _bucket),
    Step("T10.conditional_put", "object_store", _conditional, writes=True),
)
