"""Connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg

from cdc_pipeline.clients.trust import bundle
from cdc_pipeline.endpoints import PostgresqlEndpoint

_SECONDS = 5
# What libpq and the server say of encryption, and what to do about it.
_REMEDIES = (
    (
        "certificate verify failed",
        "none of the authorities in {ca} has signed its certificate, or it has expired: {site}",
    ),
    ("does not match host name", "its certificate is for another host: use a name of the certificate, or {site}"),
    ("server does not support SSL", "it answers without encryption: {site}"),
    ("root certificate file", "the authorities that it is verified by are missing: {site}"),
    ("could not read root certificate", "the file {ca} is unreadable or holds no certificate in PEM: {site}"),
    ("no pg_hba.conf entry", "nobody signs in there but the pipeline's roles, encrypted: see postgresql_hba_extra"),
)
_SITE = "run site.yml, which issues certificates and has servers and clients use them"


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
        psycopg.OperationalError: the server cannot be reached, or refuses. What concerns encryption says what to do.
    """
    wanted = parameters(where, **more)
    try:
        return psycopg.connect(**wanted, autocommit=autocommit)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        remedies = [remedy for sign, remedy in _REMEDIES if sign in said]
        if not remedies:
            raise
        raise type(error)(f"{said}: {remedies[0].format(ca=wanted.get('sslrootcert', ''), site=_SITE)}") from error
