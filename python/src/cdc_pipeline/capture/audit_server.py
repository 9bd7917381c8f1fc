"""What stands against capturing from a server, whatever its tables are. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cdc_pipeline.capture.facts import Facts, Settings
from cdc_pipeline.capture.finding import REFUSE, WARN, Finding

# Seconds for which a transaction is open until it is said, and MiB of WAL below which a slot is soon lost.
_OLD = 900
_SMALL_MIB = 1024


def audit_server(facts: Facts, settings: Settings) -> Iterator[Finding]:
    server, subject = facts.server, "server"
    restart = "then restart the server"
    if server.wal_level != "logical":
        yield Finding(
            REFUSE,
            "wal_level",
            subject,
            f"wal_level is {server.wal_level}",
            "it does not write what logical replication reads",
            f"ALTER SYSTEM SET wal_level = 'logical', {restart}",
        )
    needed = 1 if server.slot is None else 0
    for code, setting, limit, used in (
        ("slots", "max_replication_slots", server.slots, server.slots_used),
        ("senders", "max_wal_senders", server.senders, server.senders_used),
    ):
        left = limit - used
        if left < needed + 1:
            yield Finding(
                REFUSE if left < needed else WARN,
                code,
                subject,
                f"{used} of {limit} of {setting} are used",
                "the connector takes one more, and so does verification" if needed else "verification takes one more",
                f"ALTER SYSTEM SET {setting} = {used + needed + 3}, {restart}; or drop what nobody uses",
            )
    if server.slot is not None and server.slot.database != server.database:
        yield Finding(
            REFUSE,
            "slot_database",
            subject,
            f"the slot {settings.slot} belongs to {server.slot.database or 'no database'}",
            "another pipeline or a standby reads it",
            "set cdc_slot to a name of this pipeline's own, or drop the slot if nobody uses it",
        )
    elif server.slot is not None and server.slot.wal_status not in ("reserved", ""):
        lost = server.slot.wal_status == "lost"
        yield Finding(
            WARN,
            "wal_status",
            subject,
            f"the slot {settings.slot} is {server.slot.wal_status}",
            "changes are missing that nobody can read any more" if lost else "its WAL is soon removed",
            "have a new one made: docs/troubleshooting.md, `slot_lost`" if lost else "see why the connector is behind",
        )
    if server.wal_keep_mib < 0 and not settings.managed:
        yield Finding(
            WARN,
            "wal_keep",
            subject,
            "max_slot_wal_keep_size has no bound",
            "while the connector stands still, WAL may fill the disk",
            "ALTER SYSTEM SET max_slot_wal_keep_size to what the disk can spare, then SELECT pg_reload_conf()",
        )
    elif 0 <= server.wal_keep_mib < _SMALL_MIB:
        yield Finding(
            WARN,
            "wal_keep",
            subject,
            f"max_slot_wal_keep_size is {server.wal_keep_mib} MB",
            "a connector that stands still for a short time loses its slot, and changes with it",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB' or more, then SELECT pg_reload_conf()",
        )
    if server.encoding == "SQL_ASCII":
        yield Finding(
            REFUSE,
            "encoding",
            subject,
            f"the encoding of the database {server.database} is SQL_ASCII",
            "nothing says which characters its texts are",
            "move it to a database with ENCODING 'UTF8'; pg_dump --encoding names what the texts are",
        )
    plugins = {name: value for name, value in server.plugins.items() if "pgoutput" not in value and "*" not in value}
    if plugins:
        shown_settings = ", ".join(f"{name} = {value}" for name, value in plugins.items())
        yield Finding(
            WARN,
            "output_plugins",
            subject,
            f"output plugins may be restricted: {shown_settings}",
            "the connector reads by pgoutput",
            "add pgoutput to that setting",
        )
    for code, seconds, what, remedy in (
        (
            "old_transaction",
            server.transactions,
            f"a transaction of {server.oldest}",
            "end it, by pg_terminate_backend where its client does not",
        ),
        (
            "prepared",
            server.prepared,
            "a prepared transaction",
            "COMMIT PREPARED or ROLLBACK PREPARED it, as in pg_prepared_xacts",
        ),
    ):
        if seconds is not None and seconds >= _OLD:
            yield Finding(
                WARN,
                code,
                subject,
                f"{what} has been open for {seconds / 60:.0f} minutes",
                "a new slot waits for its end, and so does the WAL that a slot keeps",
                remedy,
            )
