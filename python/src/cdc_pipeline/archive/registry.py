"""Schemas by id, from a registry with Confluent's API. Read only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from cdc_pipeline.archive.avro_schema import parse
from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.errors import UnavailableError, UnknownSchemaError, UnsupportedSchemaError

MOST_REFERENCES = 100


class Registry:
    """Decoders by schema id, each fetched once. Safe to share between threads.

    Args:
        client: of the API's base, such as ``http://127.0.0.1:30081/apis/ccompat/v7``.
        patience: seconds for which an unknown id (404) may become known before it counts as unknown.
    """

    def __init__(
        self,
        client: httpx.Client,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._patience = patience
        self._clock = clock
        self._decoders: dict[int, Decoder] = {}
        self._final: dict[int, UnsupportedSchemaError] = {}
        self._missing_since: dict[int, float] = {}
        self._lock = threading.Lock()

    def known(self, schema_id: int | None) -> Decoder | None:
        """The decoder of a writer schema if it was fetched already."""
        return None if schema_id is None else self._decoders.get(schema_id)

    def decoder(self, schema_id: int) -> Decoder:
        """The decoder of a writer schema.

        Raises:
            UnavailableError: the registry cannot answer, or an unknown id still has time to become known: try again.
            UnknownSchemaError: the id stayed unknown. The registry is asked again the next time.
            UnsupportedSchemaError: the schema cannot be read as rows.
        """
        known = self._decoders.get(schema_id)
        if known is not None:
            return known
        with self._lock:
            if schema_id in self._decoders:
                return self._decoders[schema_id]
            if schema_id in self._final:
                raise self._final[schema_id]
            try:
                self._decoders[schema_id] = self._fetch(schema_id)
            except UnsupportedSchemaError as error:
                self._final[schema_id] = error
                raise
            return self._decoders[schema_id]

    def _fetch(self, schema_id: int) -> Decoder:
        response = self._get(f"schemas/ids/{schema_id}")
        if response.status_code == 404:
            now = self._clock()
            since = self._missing_since.setdefault(schema_id, now)
            if now - since < self._patience:
                raise UnavailableError(f"the registry does not know schema id {schema_id} (yet)")
            raise UnknownSchemaError(schema_id)
        self._missing_since.pop(schema_id, None)
        body = self._json(response)
        kind = body.get("schemaType", "AVRO")
        if kind != "AVRO":
            raise UnsupportedSchemaError(f"schema id {schema_id} is {kind}, not AVRO")
        references: dict[str, Any] = {}
        self._references(body.get("references") or [], references)
        try:
            return Decoder(parse(body["schema"]), references)
        except UnsupportedSchemaError:
            raise
        except Exception as error:
            raise UnsupportedSchemaError(f"schema id {schema_id} is not a valid Avro schema: {error}") from error

    def _references(self, listed: list[dict[str, Any]], into: dict[str, Any]) -> None:
        for reference in listed:
            if reference["name"] in into:
                continue
            if len(into) >= MOST_REFERENCES:
                raise UnsupportedSchemaError(f"the schema refers to more than {MOST_REFERENCES} others")
            response = self._get(f"subjects/{reference['subject']}/versions/{reference['version']}")
            if response.status_code == 404:
                raise UnsupportedSchemaError(f"the schema refers to {reference['subject']}, which is not registered")
            body = self._json(response)
            self._references(body.get("references") or [], into)  # first what it needs itself
            into[reference["name"]] = parse(body["schema"])

    def _get(self, path: str) -> httpx.Response:
        try:
            response = self._client.get(path)
        except httpx.HTTPError as error:
            raise UnavailableError(f"the schema registry does not answer: {type(error).__name__}: {error}") from error
        if response.status_code not in (200, 404):
            # 401 and 403 too: a wrong password must hold records back, never reject them.
            raise UnavailableError(f"the schema registry answers {response.status_code} to {path}")
        return response

    @staticmethod
    def _json(response: httpx.Response) -> dict[str, Any]:
        try:
            return response.json()
        except ValueError as error:
            raise UnavailableError("the schema registry's answer is not JSON") from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
