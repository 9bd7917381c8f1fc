# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a PostgreSQL server of the user's own must offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

# One row; pg_replication_slots and pg_roles may be read by everybody.
_SERVER = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('wal_level') AS wal_level,
       current_setting('max_replication_slots')::int AS slots,
       (SELECT count(*) FROM pg_replication_slots) AS slots_used,
       (SELECT coalesce(database, '') FROM pg_replication_slots WHERE slot_name = %(slot)s) AS slot_database,
       current_setting('max_wal_senders')::int AS senders,
       (SELECT count(*) FROM pg_stat_replication) AS senders_used,
       rolsuper,
       (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %(database)s) AS encoding
FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class Server:
    """What was found on a server; the fields are those of the query.

    :param slot_database: of the connector's replication slot, None when there is no such slot.
    :param encoding: of the database, None when it is not there.
    """

    version: int
    wal_level: str
    slots: int
    slots_used: int
    slot_database: str | None
    senders: int
    senders_used: int
    rolsuper: bool
    encoding: str | None


def check_server(params: Mapping[str, Any]) -> list[Problem]:
    """Connect and look. The server is only read.

    :param params: host, port, user, password, database, tables, slot, lowest_version, timeout.
    """
    if IMPORT_ERROR:
        raise MissingLibraryError("psycopg", IMPORT_ERROR)
    where, database = f"{params['host']}:{params['port']}", params["database"]
    try:
        # Everybody has this one, and the pipeline's own need not be there yet.
        with _connect(params, "postgres", Server) as connection:
            server = connection.execute(_SERVER, {"slot": params["slot"], "database": database}).fetchone()
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
    missing = judge_database(database, params["tables"], where) if server.encoding is None else ()
    return [*judge(server, where, database, params["slot"], params["lowest_version"]), *missing]


def _connect(params: Mapping[str, Any], database: str, row: type) -> Any:
    return psycopg.connect(
        host=params["host"],
        port=params["port"],
        user=params["user"],
        password=params["password"],
        dbname=database,
        connect_timeout=int(params["timeout"]),
        client_encoding="utf8",
        row_factory=psycopg.rows.class_row(row),
    )


def judge(server: Server, where: str, database: str, slot: str, lowest_version: int) -> Iterator[Problem]:
    """What `server` lacks."""
    if server.version < lowest_version * 10_000:
        yield Problem(
            "postgresql",
            f"PostgreSQL {lowest_version} or later is needed",
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
    needed = 2 if server.slot_database is None else 1
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
    if server.slot_database not in (None, database):
        yield Problem(
            "postgresql",
            f"The replication slot {slot} is another one's",
            found=f"it belongs to the database {server.slot_database or '(none)'} at {where}",
            remedy="set cdc_slot to a name of the pipeline's own; or drop the slot if nobody uses it",
        )
    if server.encoding == "SQL_ASCII":
        yield Problem(
            "postgresql",
            f"Nothing says which characters the texts of the database {database} are",
            found=f"its encoding is SQL_ASCII at {where}",
            remedy="move it to a database with ENCODING 'UTF8': pg_dump --encoding names what the texts are",
        )
    # A role with REPLICATION can only be had from a superuser.
    if not server.rolsuper:
        yield Problem(
            "postgresql",
            "The user in postgresql_superuser must be a superuser, to create a role with REPLICATION and to publish "
            "tables of others",
            found=f"rolsuper is false at {where}",
            remedy="name a superuser, or have the server's administrator grant it for the set-up",
        )


def judge_database(database: str, wanted: Sequence[str], where: str) -> Iterator[Problem]:
    """The database is not there, so that the tables to capture cannot be."""
    if wanted:
        yield Problem(
            "postgresql",
            f"There is no database {database}, whose tables shall be captured",
            found=f"cdc_tables names {', '.join(map(str, wanted[:5]))}; the server is {where}",
            remedy="set cdc_database to your database and cdc_tables to the tables in it to capture",
        )
