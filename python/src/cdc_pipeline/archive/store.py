"""Objects on S3: written once or not at all, footers read from their ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import obstore
import polars as pl
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import MemoryStore, S3Store

from cdc_pipeline.archive import parquet, tile
from cdc_pipeline.archive.errors import RefusedError, UnavailableError, UnreadableError, said
from cdc_pipeline.archive.settings import ObjectStore
from cdc_pipeline.archive.tile import Footer
from cdc_pipeline.clients import s3
from cdc_pipeline.endpoints import ObjectStoreEndpoint

PROBE = ".probe/conditional-put"
TIME = re.compile(r"year=\d{4}|(month|day|hour)=\d\d")


def connect(settings: ObjectStore) -> S3Store:
    """The S3 client. It does not retry: the service does, where it can be seen and stopped."""
    where = ObjectStoreEndpoint(
        bucket=settings.bucket,
        access_key_id=settings.access_key_id or "",
        secret_access_key=settings.secret_access_key or "",
        endpoint_url=settings.endpoint_url or "",
        region=settings.region,
        ca=settings.ca_file or "",
    )
    config: dict[str, Any] = {"virtual_hosted_style_request": settings.addressing == "virtual"}
    if settings.access_key_id and settings.session_token:
        config["session_token"] = settings.session_token
    return s3.store(where, settings.timeout_seconds, retries=0, **config)


class Store:
    """The archive's folder of a bucket. Safe to share between threads.

    Every method raises `UnavailableError` where the store does not do what it was asked: all of it may be tried again.
    """

    def __init__(self, client: S3Store | MemoryStore, prefix: str) -> None:
        self._client = client
        self.prefix = prefix

    def put(self, key: str, body: bytes) -> bool:
        """Write an object where there is none. False: there is one (412), or one is being written (409)."""
        try:
            obstore.put(self._client, key, body, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise _unavailable("write", key, error) from error
        return True

    def footer(self, key: str) -> Footer:
        """The footer of a tile that exists.

        Raises:
            UnreadableError: the object is no tile.
        """
        found = self.footer_if_there(key)
        if found is None:
            raise UnavailableError(f"object store: {key} is not there")
        return found

    def footer_if_there(self, key: str) -> Footer | None:
        """The footer of a tile, or None where there is no object.

        Raises:
            UnreadableError: the object is no tile.
        """
        tail = self._tail(key, parquet.TAIL)
        if tail is None:
            return None
        try:
            needed = parquet.tail_needed(tail)
            if needed > len(tail):
                tail = self._tail(key, needed) or b""
            return parquet.decode_footer(tail)
        except ValueError as error:
            raise _unreadable(key, error) from error
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise _unreadable(key, error) from error

    def _tail(self, key: str, size: int) -> bytes | None:
        try:
            return bytes(obstore.get(self._client, key, options={"range": {"suffix": size}}).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            if self._is_empty(key):  # no store has a range of it
                return b""
            raise _unavailable("read", key, error) from error

    def _is_empty(self, key: str) -> bool:
        try:
            return obstore.head(self._client, key)["size"] == 0
        except (BaseError, OSError):
            return False

    def read(self, key: str) -> bytes | None:
        """A small object, or None where there is none."""
        try:
            return bytes(obstore.get(self._client, key).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _unavailable("read", key, error) from error

    def replace(self, key: str, body: bytes) -> None:
        """Write an object, whatever is there."""
        try:
            obstore.put(self._client, key, body, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _unavailable("write", key, error) from error

    def hours(self, topic: str) -> Iterator[str]:
        """As `walk.Folders.hours`."""
        yield from self._descend([tile.folder(self.prefix, topic)])

    def _descend(self, folders: list[str]) -> Iterator[str]:
        for folder in folders:
            if folder.rsplit("/", 1)[-1].startswith("hour="):
                yield folder
            else:
                yield from self._descend(self._folders(folder))

    def _folders(self, folder: str) -> list[str]:
        """The folders in a folder that are parts of a time, the latest first."""
        try:
            listed = obstore.list_with_delimiter(self._client, prefix=folder + "/")["common_prefixes"]
        except (BaseError, OSError) as error:
            raise _unavailable("list", folder, error) from error
        return sorted((f.rstrip("/") for f in listed if TIME.fullmatch(f.rstrip("/").rsplit("/", 1)[-1])), reverse=True)

    def within(self, folder: str) -> Iterator[str]:
        """The keys in a folder, those of its folders too."""
        try:
            for page in obstore.list(self._client, prefix=folder):
                yield from (entry["path"] for entry in page)
        except (BaseError, OSError) as error:
            raise _unavailable("list", folder, error) from error

    def keys(self, topic: str) -> Iterator[str]:
        """Every key in a topic's folder. There may be millions."""
        return self.within(tile.folder(self.prefix, topic))

    def prove_conditional_put(self) -> None:
        """Write one object twice. It stays, since this asks for no right to delete; the next start proves by it, too.

        Raises:
            RefusedError: the second write was accepted, so two writers could overwrite each other's tiles.
        """
        key = f"{self.prefix}/{PROBE}".lstrip("/")
        if self.put(key, b"first") and self.put(key, b"second"):
            raise RefusedError(
                "the object store ignores If-None-Match: *, so it cannot keep two writers apart; "
                "use one that honours conditional writes (AWS S3, SeaweedFS, versitygw)"
            )
        if self.read(key) is None:
            raise UnavailableError(f"object store: it says that {key} exists, and does not have it")


def _unavailable(what: str, key: str, error: Exception) -> UnavailableError:
    text = str(error)
    said = [m.strip() for m in re.findall(r"<(?:Code|Message)>(.*?)</", text, re.DOTALL)]
    reason = ": ".join(said) if said else text.split("\n\n", 1)[0].replace("\n", " ")[:300]
    if "RequestTimeTooSkewed" in said:
        reason += " Set the clocks of this host and of the store's, for example by chrony or systemd-timesyncd"
    return UnavailableError(f"object store: cannot {what} {key}: {type(error).__name__}: {reason}")


def _unreadable(key: str, error: BaseException) -> UnreadableError:
    return UnreadableError(
        f"{key} cannot be read as a tile ({said(error)}). Restore it from a copy, or move it "
        "away: what it held is then written again as far as it was not committed, and is said to be missing otherwise"
    )
