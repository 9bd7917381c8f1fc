# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a PostgreSQL server of the user's own must offer for a set-up.

Of what capturing needs, the audit speaks; of what the user may do there, the module `capture_rights`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._authorities import authorities_file
from .._errors import MissingLibraryError
from .._problem import Problem

try:
    import psycopg

    IMPORT_ERROR = None
except ImportError:
    import traceback

    IMPORT_ERROR = traceback.format_exc()

_SERVER = """
SELECT current_setting('server_version_num')::int AS version,
       EXISTS (SELECT FROM pg_database WHERE datname = %(database)s) AS database_there
"""


@dataclass(frozen=True)
class Server:
    """What was found on a server; the fields are those of the query."""

    version: int
    database_there: bool


def check_server(params: Mapping[str, Any]) -> list[Problem]:
    """Connect and look. The server is only read.

    :param params: host, port, user, password, database, tables, ssl_mode, ca, lowest_version, timeout.
    """
    if IMPORT_ERROR:
        raise MissingLibraryError("psycopg", IMPORT_ERROR)
    where, database = f"{params['host']}:{params['port']}", params["database"]
    try:
        server = _look(params, database)
    except psycopg.Error as error:
        try:
            # Everybody has this one, and the pipeline's own need not be there yet.
            server = _look(params, "postgres")
        except psycopg.Error:
            return [_refused(where, error)]
        if server.database_there:
            return [_refused(where, error)]
    missing = () if server.database_there else judge_database(database, params["tables"], where)
    return [*judge(server, where, params["lowest_version"]), *missing]


def _look(params: Mapping[str, Any], database: str) -> Server:
    with _connect(params, database, Server) as connection:
        return connection.execute(_SERVER, {"database": params["database"]}).fetchone()


def _refused(where: str, error: Exception) -> Problem:
    return Problem(
        "postgresql",
        f"The PostgreSQL server at {where} cannot be used",
        found=str(error).strip().splitlines()[-1],
        remedy="check postgresql_host, postgresql_port, postgresql_superuser and its password, and that "
        "pg_hba.conf admits this host",
    )


def _connect(params: Mapping[str, Any], database: str, row: type) -> Any:
    authorities = authorities_file(params["ca"])
    # libpq looks for a file in the user's home unless it is given one.
    trusted = authorities.name if authorities else ssl.get_default_verify_paths().cafile
    return psycopg.connect(
        host=params["host"],
        port=params["port"],
        user=params["user"],
        password=params["password"],
        dbname=database,
        connect_timeout=int(params["timeout"]),
        client_encoding="utf8",
        sslmode=params["ssl_mode"],
        sslrootcert=trusted if params["ssl_mode"].startswith("verify-") else None,
        row_factory=psycopg.rows.class_row(row),
    )


def judge(server: Server, where: str, lowest_version: int) -> Iterator[Problem]:
    """What `server` lacks."""
    if server.version < lowest_version * 10_000:
        yield Problem(
            "postgresql",
            f"PostgreSQL {lowest_version} or later is needed",
            found=f"{server.version // 10_000} at {where}",
            remedy="upgrade the server",
        )


def judge_database(database: str, wanted: Sequence[str], where: str) -> Iterator[Problem]:
    """The database is not there, so that the tables to capture cannot be."""
    if wanted:
        yield Problem(
            "postgresql",
            f"There is no database {database}, whose tables are to be captured",
            found=f"cdc_tables names {', '.join(map(str, wanted[:5]))}; the server is {where}",
            remedy="set cdc_database to your database and cdc_tables to the tables in it to capture",
        )
