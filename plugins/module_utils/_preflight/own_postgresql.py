# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a PostgreSQL server of the user's own must offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import MissingLibraryError
from .problem import Problem

try:
    import psycopg

    IMPORT_ERROR = None
except ImportError:
    import traceback

    IMPORT_ERROR = traceback.format_exc()

_LOWEST_VERSION = 14
# One row; pg_replication_slots and pg_roles may be read by everybody.
_QUERY = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('wal_level') AS wal_level,
       current_setting('max_replication_slots')::int AS slots,
       (SELECT count(*) FROM pg_replication_slots) AS slots_used,
       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(slot)s) AS slot_exists,
       current_setting('max_wal_senders')::int AS senders,
       (SELECT count(*) FROM pg_stat_replication) AS senders_used,
       rolsuper, rolcreaterole, rolcreatedb, rolreplication,
       EXISTS (SELECT FROM pg_database WHERE datname = %(database)s) AS database_exists
FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class Server:
    """What was found on a server; the fields are those of the query."""

    version: int
    wal_level: str
    slots: int
    slots_used: int
    slot_exists: bool
    senders: int
    senders_used: int
    rolsuper: bool
    rolcreaterole: bool
    rolcreatedb: bool
    rolreplication: bool
    database_exists: bool


def check_server(params: Mapping[str, Any]) -> list[Problem]:
    """Connect and look. The server is only read.

    :param params: host, port, user, password, database, slot, timeout.
    """
    if IMPORT_ERROR:
        raise MissingLibraryError("psycopg", IMPORT_ERROR)
    where = f"{params['host']}:{params['port']}"
    try:
        with psycopg.connect(
            host=params["host"],
            port=params["port"],
            user=params["user"],
            password=params["password"],
            # Everybody has this one, and the pipeline's own need not be there yet.
            dbname="postgres",
            connect_timeout=int(params["timeout"]),
            row_factory=psycopg.rows.class_row(Server),
        ) as connection:
            server = connection.execute(_QUERY, {"slot": params["slot"], "database": params["database"]}).fetchone()
    except psycopg.Error as error:
        return [
            Problem(
                "postgresql",
                f"The PostgreSQL server at {where} cannot be used",
                found=str(error).strip().splitlines()[-1],
                remedy="check postgresql_host, postgresql_port, postgresql_superuser and its password, and that "
                "pg_hba.conf admits this host",
            )
        ]
    return list(judge(server, where))


def judge(server: Server, where: str) -> Iterator[Problem]:
    """What `server` lacks."""
    if server.version < _LOWEST_VERSION * 10_000:
        yield Problem(
            "postgresql",
            f"PostgreSQL {_LOWEST_VERSION} or later is needed",
            found=f"{server.version // 10_000} at {where}",
            remedy="upgrade the server",
        )
    if server.wal_level != "logical":
        yield Problem(
            "postgresql",
            "The server does not write its log for logical replication",
            found=f"wal_level = {server.wal_level} at {where}",
            remedy="ALTER SYSTEM SET wal_level = 'logical', then restart the server",
        )
    # One for the connector, one for verification while it runs; a slot that is there is the connector's already.
    needed = 1 if server.slot_exists else 2
    for kind, limit, used in (
        ("replication slots", server.slots, server.slots_used),
        ("WAL senders", server.senders, server.senders_used),
    ):
        if limit - used < needed:
            name = "max_replication_slots" if kind == "replication slots" else "max_wal_senders"
            yield Problem(
                "postgresql",
                f"{needed} free {kind} are needed",
                found=f"{used} of {limit} are used at {where}",
                remedy=f"ALTER SYSTEM SET {name} = {used + needed + 2}, then restart the server; "
                "or drop what nobody uses",
            )
    # FOR ALL TABLES and a role with REPLICATION can only be had from a superuser.
    if not server.rolsuper:
        yield Problem(
            "postgresql",
            "The user in postgresql_superuser must be a superuser, to create a role with REPLICATION and a publication "
            "of all tables",
            found=f"rolsuper is false at {where}",
            remedy="name a superuser, or have the server's administrator grant it for the set-up",
        )
