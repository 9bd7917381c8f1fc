# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits until a connector may read a changed publication.

PostgreSQL decodes each transaction with the catalog as it was while the transaction ran. A reader to whom a transaction
comes that began before the publication was created fails; before a table was added to it, the reader misses changes of
the table, and on a server without the correction of 2025 also later ones. So the transactions that were running have to
end, and where the reader would still get one of them, its slot has to be past them.

A slot that is made waits in the server, without a word, for all transactions that were running. So they are named and
waited for before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._awaited import unasked
from .._errors import DeadlineError, FailedError
from .._module import Outcome
from .._wait import Deadline, wait_for
from .connection import connected

# Those that have written, by the locks on their ids, which every user sees. When they began, members of pg_monitor see.
_RUNNING = """
SELECT l.transactionid::text AS xid, a.pid, a.usename::text AS user, a.datname::text AS database,
       coalesce(a.application_name, '') AS application, NULL AS gid,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS query_age
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
UNION ALL
SELECT transaction::text, NULL, owner::text, database::text, '', gid,
       extract(epoch FROM clock_timestamp() - prepared)::float8, NULL
FROM pg_prepared_xacts ORDER BY age DESC NULLS LAST
"""
_SLOT = """
SELECT active, wal_status, confirmed_flush_lsn::text AS confirmed, confirmed_flush_lsn >= %(lsn)s::pg_lsn AS past
FROM pg_replication_slots WHERE slot_name = %(slot)s
"""
# The minor release from which a reader's cache does not outlive the change of a publication, by major version.
_CORRECTED = {13: 21, 14: 18, 15: 13, 16: 9, 17: 5}


def must_pass(server_version: int, new: bool) -> bool:
    """Whether the slot has to be past the change of the publication.

    :param server_version: as PostgreSQL's `server_version_num`.
    :param new: the reader reads the publication for the first time.
    """
    major, minor = divmod(server_version, 10_000)
    return new or minor < _CORRECTED.get(major, 0)


def left(noted: Sequence[str], running: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the noted transactions that have not ended. One with subtransactions is there once."""
    found = [row for row in running if row["xid"] in noted]
    return list({(row["pid"], row["gid"]): row for row in reversed(found)}.values())[::-1]


def named(row: Mapping[str, Any]) -> str:
    """Who has it open, since when, and how to end it."""
    if row["gid"] is not None:
        whose = f"prepared transaction {row['gid']} of {row['user']}"
        return f"{whose} in {row['database']}, {_open(row)}; COMMIT PREPARED or ROLLBACK PREPARED it there"
    application = f" ({row['application']})" if row["application"] else ""
    began = "" if row["query_age"] is None else f", its last statement began {_ago(row['query_age'])} ago"
    return (
        f"process {row['pid']} of {row['user']}{application} in {row['database']}, {_open(row)}{began};"
        f" SELECT pg_terminate_backend({row['pid']}) ends it"
    )


def _open(row: Mapping[str, Any]) -> str:
    return "since when, members of pg_monitor see" if row["age"] is None else f"open for {_ago(row['age'])}"


def _ago(seconds: float) -> str:
    """Seconds below two minutes, minutes below two hours, hours."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def wait(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Wait. Where there is no slot, it begins where the publication is as it is now, and waits itself when it is made.

    :raises DeadlineError: for what has not ended, or how far the slot is, when time is up.
    :raises FailedError: for a slot that has lost its WAL.
    """
    slot = params["slot"]
    where = f"{params['login_host']}:{params['login_port']}, database {params['login_db']}"
    if check_mode and (unasked(params) or not params["first"]):
        return Outcome(changed=False, facts={"running": []})
    deadline = Deadline(params["wait_timeout"])
    with connected(params) as connection:

        def look(lsn: str) -> Mapping[str, Any] | None:
            return connection.execute(_SLOT, {"slot": slot, "lsn": lsn}).fetchone()

        is_there = look("0/0") is not None
        if is_there if check_mode else not (is_there or params["first"]):
            return Outcome(changed=False, facts={"running": []})

        def look_at_transactions() -> list[Mapping[str, Any]]:
            rows = connection.execute(_RUNNING).fetchall()
            # No other database is decoded. A slot that is made waits for all of the server.
            return [row for row in rows if not is_there or row["database"] == params["login_db"]]

        running = look_at_transactions()
        noted = [row["xid"] for row in running]
        names = [named(row) for row in left(noted, running)]
        if check_mode:
            return Outcome(changed=False, facts={"running": names})

        def ended() -> bool | None:
            nonlocal running
            running = look_at_transactions()
            return None if left(noted, running) else True

        if noted and wait_for(ended, deadline) is None:
            since = "the publication changed" if is_there else "the connector's slot can be created"
            raise DeadlineError(
                f"Transactions that began before {since} run for more than {params['wait_timeout']} s",
                where=where,
                why="; ".join(map(named, left(noted, running))),
                remedy="end them, or wait, and run again; the connector has not been changed",
            )
        if not is_there:
            return Outcome(changed=False, facts={"running": names})
        if not must_pass(connection.info.server_version, params["new"]):
            return Outcome(changed=False, facts={"running": names})
        row = connection.execute("SELECT pg_current_wal_insert_lsn()::text AS lsn").fetchone()
        lsn = row["lsn"]
        seen: Mapping[str, Any] | None = None

        def passed() -> bool | None:
            nonlocal seen
            seen = look(lsn)
            if seen is not None and seen["wal_status"] == "lost":
                raise FailedError(
                    f"The replication slot {slot} has lost its WAL, so that changes are missing",
                    where=where,
                    why="wal_status is lost: the connector was behind by more than max_slot_wal_keep_size",
                    remedy="drop the slot, delete the connector with its offsets, and run again: a snapshot begins it",
                )
            return True if seen is None or seen["past"] else None

        if wait_for(passed, deadline) is None:
            raise DeadlineError(
                f"The replication slot {slot} has not passed {lsn}, where the publication changed, within"
                f" {params['wait_timeout']} s",
                where=where,
                why=f"it is at {seen['confirmed']}, and {'is' if seen['active'] else 'is not'} read"
                if seen
                else "it no longer exists",
                remedy="check that the connector runs, with its heartbeat, and catches up; then run again",
            )
    return Outcome(changed=False, facts={"running": names})
