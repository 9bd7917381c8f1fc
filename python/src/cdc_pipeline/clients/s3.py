"""Clients of the object store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from cdc_pipeline.endpoints import ObjectStoreEndpoint

# A store on a busy host has been seen to take more than 10 s for a small object, cold.
SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_RETRIES = 2


def store(where: ObjectStoreEndpoint, seconds: float = SECONDS, retries: int = _RETRIES, **config: Any) -> S3Store:
    """The bucket.

    Args:
        seconds: that a request may take.
        config: further settings of S3Store, such as ``session_token``.

    Raises:
        OSError: ``where.ca`` cannot be read.
    """
    return S3Store(
        where.bucket,
        client_options=_options(where, seconds),
        retry_config={"max_retries": retries},
        **{**_config(where), **config},
    )


def _config(where: ObjectStoreEndpoint) -> dict[str, Any]:
    found: dict[str, Any] = {"region": where.region, "virtual_hosted_style_request": False}
    if where.endpoint_url:
        found["endpoint"] = where.endpoint_url
    # Without keys, those of the environment or the machine.
    if where.access_key_id:
        found |= {"access_key_id": where.access_key_id, "secret_access_key": where.secret_access_key}
    return found


def _options(where: ObjectStoreEndpoint, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "timeout": timedelta(seconds=seconds),
        "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, seconds)),
        "allow_http": where.endpoint_url.startswith("http://"),
    }
    # obstore trusts these beside the system's.
    if where.ca:
        found["root_certificate"] = Path(where.ca).read_bytes()
    return found
