# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits until a connector may read a changed publication.

PostgreSQL decodes each transaction with the catalog as it was while the transaction ran. A reader to whom a transaction
comes that began before the publication was created fails; before a table was added to it, the reader misses changes of
the table, and on a server without the correction of 2025 also later ones. So the transactions that were running have to
end, and where the reader would still get one of them, its slot has to be past them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import DeadlineError, FailedError
from ._module import Outcome
from ._postgresql import connected
from ._wait import Deadline, wait_for

# Those that have written, or may; of this database, since no other is decoded.
_RUNNING = """
SELECT backend_xid::text AS xid, format('process %s of %s, %s', pid, usename, coalesce(application_name, '')) AS who
FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
UNION ALL
SELECT transaction::text, format('prepared transaction %s', gid) FROM pg_prepared_xacts
WHERE database = current_database()
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


def left(noted: Sequence[str], running: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who runs those of the noted transactions that have not ended."""
    return [row["who"] for row in running if row["xid"] in noted]


def wait(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Wait, unless there is no slot, which then begins where the publication is as it is now.

    :raises DeadlineError: for what has not ended, or how far the slot is, when time is up.
    :raises FailedError: for a slot that has lost its WAL.
    """
    slot = params["slot"]
    where = f"{params['login_host']}:{params['login_port']}, database {params['login_db']}"
    if check_mode:
        return Outcome(changed=False)
    deadline = Deadline(params["wait_timeout"])
    with connected(params) as connection:

        def look(lsn: str) -> Mapping[str, Any] | None:
            return connection.execute(_SLOT, {"slot": slot, "lsn": lsn}).fetchone()

        if look("0/0") is None:
            return Outcome(changed=False)
        running = connection.execute(_RUNNING).fetchall()
        noted = [row["xid"] for row in running]

        def ended() -> bool | None:
            nonlocal running
            running = connection.execute(_RUNNING).fetchall()
            return None if left(noted, running) else True

        if noted and wait_for(ended, deadline) is None:
            raise DeadlineError(
                f"Transactions that began before the publication changed run for more than {params['wait_timeout']} s",
                where=where,
                why="; ".join(left(noted, running)),
                remedy="end them, or wait, and run again; the connector has not been changed",
            )
        if not must_pass(connection.info.server_version, params["new"]):
            return Outcome(changed=False)
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
                else "it is gone",
                remedy="see that the connector runs, with its heartbeat, and catches up; then run again",
            )
    return Outcome(changed=False)
