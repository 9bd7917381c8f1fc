# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Connections of modules to PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from .._errors import FailedError, MissingLibraryError, UnreachableError

try:
    import psycopg

    IMPORT_ERROR = None
except ImportError:
    import traceback

    psycopg = None
    IMPORT_ERROR = traceback.format_exc()

# Of a lock on a table that others use.
_LOCK_SECONDS = 10


@contextlib.contextmanager
def connected(params: Mapping[str, Any]) -> Iterator[Any]:
    """A connection that commits each statement, with rows as maps.

    :param params: options of the doc fragment `postgresql`.
    :raises MissingLibraryError: psycopg is not installed.
    :raises UnreachableError: the server or the database is not there, or refuses the user.
    :raises FailedError: the server refuses a statement.
    """
    if IMPORT_ERROR:
        raise MissingLibraryError("psycopg", IMPORT_ERROR)
    where = f"{params['login_host']}:{params['login_port']}, database {params['login_db']}"
    try:
        connection = psycopg.connect(
            host=params["login_host"],
            port=params["login_port"],
            user=params["login_user"],
            password=params["login_password"],
            dbname=params["login_db"],
            sslmode=params["ssl_mode"],
            sslrootcert=params["ca_cert"],
            connect_timeout=params["connect_timeout"],
            client_encoding="utf8",
            application_name="cdc.pipeline",
            options=f"-c lock_timeout={_LOCK_SECONDS}s",
            autocommit=True,
            row_factory=psycopg.rows.dict_row,
        )
    except psycopg.OperationalError as error:
        raise UnreachableError(
            "The PostgreSQL server refuses the pipeline's login",
            where=where,
            why=_last_line(error),
            remedy=_remedy(str(error), params["ca_cert"] or "the system's file"),
        ) from error
    with connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise FailedError(
                "PostgreSQL refuses a statement",
                where=where,
                why=_last_line(error),
                remedy="run again once nobody locks the table"
                if isinstance(error, psycopg.errors.LockNotAvailable)
                else "correct what the message names, such as a missing right, and run again",
            ) from error


def _remedy(said: str, ca: str) -> str:
    """What to do about a connection that was refused."""
    site = "run site.yml, which issues certificates and has servers and clients use them"
    if "certificate verify failed" in said:
        return f"give the authority that has signed the server's certificate, in {ca}, or replace one that has expired"
    if "does not match host name" in said:
        return "use a host name of the server's certificate, or have one issued for this name"
    if "does not support SSL" in said or "root certificate" in said:
        return site
    return "check that it runs, and that user, password and pg_hba.conf are correct"


def _last_line(error: Exception) -> str:
    return " ".join(str(error).split())
