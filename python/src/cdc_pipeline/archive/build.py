"""Parts made from settings."""

from __future__ import annotations

from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.clients import http
from cdc_pipeline.endpoints import Login


def registry_of(settings: Settings) -> Registry:
    """The schema registry's client."""
    r = settings.schema_registry
    login = Login(r.username, r.password or "") if r.username is not None else None
    client = http.client(r.url, login, r.ca_file or "", r.timeout_seconds)
    return Registry(client, r.unknown_schema_seconds)
