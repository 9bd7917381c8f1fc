"""Streams WAL through a temporary slot, by PostgreSQL's replication protocol."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable

import psycopg
from psycopg import pq

from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint


class StreamError(RuntimeError):
    """The server refuses to stream."""


def stream_until(
    where: PostgresqlEndpoint,
    slot: str,
    publication: str,
    provoke: Callable[[], None],
    wanted: bytes,
    seconds: float,
) -> int | None:
    """Bytes of WAL messages until one holds ``wanted``, or None when time is up first. The CDC role reads them.

    Args:
        slot: name of the temporary slot; it goes with the connection.
        provoke: called once the stream runs; makes the change that is looked for.

    Raises:
        StreamError: the slot cannot be created or the stream not started.
        psycopg.OperationalError: there is no connection, or it ends.
    """
    # psycopg itself does not stream. Another user need not have REPLICATION.
    outer = postgresql.connect(where, **_reader(where), replication="database", application_name="cdc-verify")
    connection = outer.pgconn
    try:
        _command(
            connection,
            f"CREATE_REPLICATION_SLOT \"{slot}\" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')",
            pq.ExecStatus.TUPLES_OK,
        )
        quoted = publication.replace("'", "''")
        _command(
            connection,
            f'START_REPLICATION SLOT "{slot}" LOGICAL 0/0 '
            f"(proto_version '1', publication_names '\"{quoted}\"', messages 'true')",
            pq.ExecStatus.COPY_BOTH,
        )
        provoke()
        return _receive(connection, wanted, time.monotonic() + seconds)
    finally:
        outer.close()


def _reader(where: PostgresqlEndpoint) -> dict[str, str]:
    return {"user": where.cdc.username, "password": where.cdc.password}


def settings_of_sender(where: PostgresqlEndpoint, options: str, names: Iterable[str]) -> dict[str, str]:
    """Settings by their names, as a WAL sender of the CDC role has them.

    Args:
        options: of the connection, such as ``-c bytea_output=hex``.

    Raises:
        StreamError: there is no such setting.
        psycopg.OperationalError: there is no connection.
    """
    outer = postgresql.connect(
        where, **_reader(where), replication="database", options=options, application_name="cdc-verify"
    )
    try:
        found = {}
        for name in names:
            result = _command(outer.pgconn, f'SHOW "{name}"', pq.ExecStatus.TUPLES_OK)
            found[name] = (result.get_value(0, 0) or b"").decode()
        return found
    finally:
        outer.close()


def _command(connection: pq.PGconn, command: str, expected: pq.ExecStatus) -> pq.PGresult:
    result = connection.exec_(command.encode())
    if result.status != expected:
        raise StreamError(result.get_error_message() or f"{command} gave {result.status}")
    return result


def _receive(connection: pq.PGconn, wanted: bytes, deadline: float) -> int | None:
    received = 0
    while time.monotonic() < deadline:
        size, data = connection.get_copy_data(1)
        if size == 0:
            select.select([connection.socket], [], [], 0.2)
            connection.consume_input()
        elif size < 0:
            raise psycopg.OperationalError(connection.get_error_message() or "the stream ended")
        else:
            received += size
            if bytes(data[:1]) == b"w" and wanted in bytes(data):
                return received
    return None
