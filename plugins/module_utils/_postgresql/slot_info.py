# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a replication slot that nobody reads does to its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._module import Outcome
from .connection import connected

# idle_replication_slot_timeout is there from version 18 on.
_SLOT = """
SELECT active, coalesce(wal_status, '') AS wal_status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS retained_bytes,
       safe_wal_size AS safe_bytes,
       (SELECT nullif(setting::bigint, -1) * 1024 * 1024 FROM pg_settings WHERE name = 'max_slot_wal_keep_size')
           AS limit_bytes,
       (SELECT current_setting(name) FROM pg_settings WHERE name = 'idle_replication_slot_timeout' AND setting <> '0')
           AS idle_timeout
FROM pg_replication_slots WHERE slot_name = %(slot)s
"""
_MIB = 1024**2


@dataclass(frozen=True)
class Slot:
    """A slot as the server shows it.

    :param retained_bytes: WAL that it keeps.
    :param safe_bytes: WAL that may still be written until it is lost; None without a bound.
    :param limit_bytes: max_slot_wal_keep_size; None without a bound.
    :param idle_timeout: after which the server gives up a slot that nobody reads; None for never.
    """

    active: bool
    wal_status: str
    retained_bytes: int
    safe_bytes: int | None
    limit_bytes: int | None
    idle_timeout: str | None


def told(slot: Slot, name: str, where: str) -> str:
    """What it does, in sentences."""
    if slot.wal_status == "lost":
        return f"The slot {name} on {where} has lost its WAL: changes are missing, and a new snapshot has to begin it"
    kept = f"it retains {_mebibytes(slot.retained_bytes)} of WAL there"
    if slot.active:
        return f"The slot {name} on {where} is read; {kept}"
    if slot.limit_bytes is None:
        bound = (
            "max_slot_wal_keep_size has no bound, so that WAL grows until the slot is read again or the disk is full,"
            " which stops the server"
        )
    else:
        bound = (
            f"max_slot_wal_keep_size is {_mebibytes(slot.limit_bytes)}: after"
            f" {_mebibytes(max(slot.safe_bytes or 0, 0))} more of WAL the slot is lost, and changes with it"
        )
    if slot.idle_timeout:
        bound += f". idle_replication_slot_timeout is {slot.idle_timeout}: after that it is also lost"
    return f"The slot {name} stays on {where}, and no client reads it: {kept}. {bound}"


def _mebibytes(count: int) -> str:
    return f"{count / _MIB:.0f} MiB"


def read(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One look.

    :raises UnreachableError: the server is not there.
    """
    name, where = params["slot"], f"{params['login_host']}:{params['login_port']}"
    with connected(params) as connection:
        row = connection.execute(_SLOT, {"slot": name}).fetchone()
    if row is None:
        return Outcome(False, facts={"present": False, "message": f"There is no slot {name} on {where}"})
    slot = Slot(**row)
    return Outcome(False, facts={"present": True, **asdict(slot), "message": told(slot, name, where)})
