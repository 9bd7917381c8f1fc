"""Parts made from settings."""

from __future__ import annotations

from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.settings import Settings


def registry_of(settings: Settings) -> Registry:
    """The schema registry's client."""
    r = settings.schema_registry
    auth = (r.username, r.password or "") if r.username is not None else None
    return Registry(r.url, auth, r.timeout_seconds, r.unknown_schema_seconds, r.ca_file or True)
