"""Clients of the services over HTTP, as endpoints.json has them: with or without TLS and logins."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import httpx


def signed_in(where: Mapping[str, Any], who: str = "reader") -> httpx.Client:
    """A client whose requests name paths below the endpoint's URL. Where it has no such login, nobody is signed in."""
    login = where.get(who)
    return httpx.Client(
        base_url=where["url"],
        auth=(login["username"], login["password"]) if login else None,
        verify=ssl.create_default_context(cafile=where.get("ca") or None),
        timeout=60,
        trust_env=False,
    )


def options_of(where: Mapping[str, Any], who: str) -> dict[str, Any]:
    """A module's options for the connection to this endpoint, signed in as one of its logins."""
    login = where.get(who) or {}
    return {"url": where["url"], **({"ca_path": where["ca"]} if where.get("ca") else {}), **login}
