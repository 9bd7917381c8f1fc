"""An instance's archive: which tables it has, where their objects are, and what their keys are."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import obstore

from cdc_pipeline.archive.tile import SUFFIX, folder
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.views import OWN
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.objects import Object, list_objects
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.verify.iceberg import table_folder


class Archive:
    """The objects of each captured table. ``context``: of whom only the store and the HTTP client are used."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._plan: Plan = context.plan

    @functools.cached_property
    def topics(self) -> dict[str, str]:
        """The topic of each table `schema.name`: those that are captured, and those that were.

        Raises:
            CdcError: the store does not answer.
        """
        found = {*self._plan.archived_topics, *self._archived()}
        return {self._plan.table_of(topic): topic for topic in sorted(found) if "." in topic}

    def _archived(self) -> Iterator[str]:
        """The topics that have a folder. Iceberg's have lost the case of their names."""
        if not self._plan.expected.archive.service:
            return
        where = self._plan.endpoints.object_store
        prefix = f"{self._plan.expected.connectors.topic_prefix}."
        try:
            found = obstore.list_with_delimiter(self._context.store, prefix=where.prefix or None)
        except Exception as error:
            raise self._silent(error) from None
        for path in found["common_prefixes"]:
            topic = path.rstrip("/").rpartition("/")[2]
            if topic.startswith(prefix):
                yield topic

    def folder(self, table: str) -> str:
        """Where a table's objects are."""
        topic, archive = self.topics[table], self._plan.expected.archive
        if archive.service or not archive.connect.database:
            return folder(self._plan.endpoints.object_store.prefix, topic)
        # Files of former snapshots would count, too, if rows were ever rewritten; the sink only adds some.
        return f"{table_folder(archive.connect.prefix, topic)}/data"

    def objects(self, below: str) -> Iterator[Object]:
        """The Parquet objects below a folder.

        Raises:
            CdcError: the store does not answer.
        """
        try:
            for each in list_objects(self._context.store, below):
                if each.key.endswith(SUFFIX):
                    yield each
        except Exception as error:
            raise self._silent(error) from None

    def fetch(self, key: str, begin: int, end: int) -> bytes:
        """Bytes of an object."""
        return bytes(obstore.get_range(self._context.store, key, start=begin, end=end))

    def keys(self, table: str) -> list[str]:
        """The columns of a table's key, by the schema of its records' keys; none where they have no key.

        Raises:
            CdcError: the registry does not answer.
        """
        where = self._plan.endpoints.schema_registry
        url = f"{where.url.rstrip('/')}/subjects/{quote(self.topics[table], safe='')}-key/versions/latest"
        try:
            answer = self._context.http.get(url, auth=(where.reader.username, where.reader.password))
            if answer.status_code == httpx.codes.NOT_FOUND:
                return []
            schema = json.loads(answer.raise_for_status().json()["schema"])
            names = [field["name"] for field in schema["fields"]] if schema["type"] == "record" else []
            # The text of a value that its column does not hold is a part of the key, but no column.
            return [name for name in names if name not in OWN]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise CdcError(
                f"The schema registry at {where.url} does not say what the key of {table} is: {error}."
                f" See `cdc status`; the changes need no key: {table}_changes."
            ) from None

    def _silent(self, error: Exception) -> CdcError:
        where = self._plan.endpoints.object_store
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        bucket = f"{where.bucket} at {where.endpoint_url or 'AWS'}"
        return CdcError(f"The bucket {bucket} cannot be listed: {said[:300]}. See `cdc status`.")
