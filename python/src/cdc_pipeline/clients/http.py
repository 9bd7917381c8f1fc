"""HTTP clients: of the schema registry, Kafka Connect, and the services' own interfaces."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from cdc_pipeline.clients.trust import tls_context
from cdc_pipeline.endpoints import Endpoints, Login

SECONDS = 10.0


def client(
    url: str, login: Login | None = None, ca: str = "", seconds: float = SECONDS, **options: Any
) -> httpx.Client:
    """A client whose requests name paths below ``url``. Proxies in the environment are not used.

    Args:
        seconds: that a request may take, unless it says otherwise.
        options: of httpx.Client, such as ``transport`` in tests.

    Raises:
        OSError: ``ca`` cannot be read.
    """
    return httpx.Client(
        base_url=url,
        auth=(login.username, login.password) if login else None,
        verify=tls_context(ca),
        timeout=seconds,
        trust_env=False,
        **options,
    )


def client_of_all(endpoints: Endpoints, seconds: float = SECONDS) -> httpx.Client:
    """A client whose requests name whole URLs of any endpoint, each with its own authorities. It signs nobody in.

    Raises:
        OSError: a file of authorities cannot be read.
    """
    at = endpoints
    trusted = dict.fromkeys(at.kafka_connect.workers, at.kafka_connect.ca)
    trusted |= {each.url: each.ca for each in (at.schema_registry, at.archive, at.connectors)}
    mounts = {
        f"https://{urlsplit(url).netloc}": httpx.HTTPTransport(verify=tls_context(ca), trust_env=False)
        for url, ca in trusted.items()
        if ca
    }
    return httpx.Client(verify=tls_context(), timeout=seconds, trust_env=False, mounts=mounts)
