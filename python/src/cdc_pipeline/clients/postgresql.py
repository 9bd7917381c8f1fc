"""Connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg

from cdc_pipeline.clients.trust import bundle
from cdc_pipeline.endpoints import PostgresqlEndpoint

_SECONDS = 5


def parameters(where: PostgresqlEndpoint, **more: Any) -> dict[str, Any]:
    """libpq's parameters, by their keywords; ``more`` stand above the endpoint's own."""
    found = {name: getattr(where, name) for name in ("host", "port", "dbname", "user", "password")}
    # A database or a role may have another encoding for its clients, in which not every name can be read.
    return {**found, "connect_timeout": _SECONDS, "client_encoding": "utf8", **_tls(where), **more}


def _tls(where: PostgresqlEndpoint) -> dict[str, str]:
    mode = where.sslmode or ("verify-full" if where.ca else "")
    # libpq knows no file of the system's authorities: that of its own OpenSSL need not be there.
    root = bundle(where.ca) if where.ca or mode.startswith("verify-") else None
    return {**({"sslmode": mode} if mode else {}), **({"sslrootcert": root} if root else {})}


def connect(where: PostgresqlEndpoint, autocommit: bool = True, **more: Any) -> psycopg.Connection[Any]:
    """A connection, which the caller closes.

    Args:
        more: further parameters of libpq, such as ``application_name``.

    Raises:
        psycopg.OperationalError: the server cannot be reached, or refuses.
    """
    return psycopg.connect(**parameters(where, **more), autocommit=autocommit)
