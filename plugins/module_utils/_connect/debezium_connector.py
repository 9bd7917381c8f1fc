# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings a Debezium connector to its configuration, with a snapshot of each table that it did not capture before.

The order makes an interrupted run harmless: the connector stops, the snapshots go into its offset, then the
configuration names the tables, then it resumes. Until the configuration names a table, the next run asks for its
snapshot; once it does, the snapshot is in the offset. A run that fails resumes the connector; one that was left
stopped is resumed by the next run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._errors import DeadlineError, InvalidError, PipelineError
from .._module import Outcome
from .._postgresql.table_names import parse_table
from .._values import to_strings
from .._wait import Deadline, wait_for
from . import connector
from .client import ConnectClient, Connector, connect_client
from .debezium_offsets import begins_with_snapshot, captured, offset_of, pending, with_pending
from .debezium_rows import Rows

# What a connector captures from its creation until its offset is known: a pattern that no table matches.
_NOTHING = "(?!)"
# Options that name tables.
_NAMES = ("tables", "unkeyed", "snapshot")


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the connector.

    :raises InvalidError: for a wrong configuration, or a snapshot of a table that is not captured; nothing is changed.
    :raises FailedError: when the connector fails.
    :raises DeadlineError: when a state is not reached in time.
    """
    client = connect_client(params)
    name = params["name"]
    config = to_strings(params["config"], f"connector {name}")
    server = config.get("topic.prefix", "")
    # From here on tables are what Debezium calls them.
    texts = {found.id: found.text for found in (parse_table(each, "tables") for each in params["tables"])}
    params = {**params, **{key: [parse_table(each, key).id for each in params[key]] for key in _NAMES}}
    tables = captured(config, params["tables"])
    _refuse_uncaptured(params["snapshot"], tables)
    running = {**params, "state": "running"}
    # It refuses a wrong configuration before anything is changed.
    planned = connector.reconcile(running, True)

    current = client.connector(name)
    before = [] if current is None else captured(current.config, tables)
    added = [table for table in tables if table not in before or table in params["snapshot"]]
    offset = None if current is None else offset_of(client.offsets(name), server)
    found = pending(offset)

    rows = Rows(client, params, config)
    separate = [] if begins_with_snapshot(offset) else [table for table in added if table in params["unkeyed"]]
    reading = [] if current is None else rows.pending(tables)
    done, finished = planned, False
    if not check_mode:
        if current is not None and (added or "update" in planned.facts["steps"]):
            _await_initial_snapshot(client, params, current)
        if added or current is None:
            # Where it stands when it has stopped decides, not what was seen while it ran.
            with _running_after_all(client, current, [table for table in added if table not in params["unkeyed"]]):
                offset = _stop(client, params, config, current)
                separate = [] if begins_with_snapshot(offset) else [each for each in added if each in params["unkeyed"]]
                if separate:
                    rows.prepare(separate)
                requested = _requested(offset, added, params["unkeyed"])
                if requested:
                    _request(client, params, config, requested)
        done = connector.reconcile(running, False)
        if separate:
            rows.run()
        elif reading:
            rows.run()
            finished = rows.remove_finished()
    on_their_way = [] if finished else list(dict.fromkeys([*reading, *separate]))
    requested = _requested(offset, added, params["unkeyed"])
    expected = found + [table for table in requested if table not in found]
    return Outcome(
        changed=planned.changed or bool(requested) or bool(separate) or finished,
        before={**(planned.before or {}), "snapshots": found, "separate": reading},
        after={**(planned.after or {}), "snapshots": expected, "separate": on_their_way},
        facts={
            "connector": done.facts["connector"],
            "steps": _steps(planned.facts["steps"], bool(requested)),
            "requested": [texts.get(table, table) for table in requested],
            "separate": [texts.get(table, table) for table in on_their_way],
            "unfinished": [texts.get(table, table) for table in expected],
        },
        warnings=done.warnings,
    )


def _requested(offset: Mapping[str, Any] | None, added: Sequence[str], unkeyed: Sequence[str]) -> list[str]:
    """The tables whose snapshot is to be asked for: the initial one, where it is still to come, has them all."""
    return [] if begins_with_snapshot(offset) else [table for table in added if table not in unkeyed]


def _steps(planned: Sequence[str], snapshot: bool) -> list[str]:
    if not snapshot:
        return list(planned)
    if "create" in planned:
        return ["create", "snapshot", "resume"]
    return ["stop", "snapshot", *(["update"] if "update" in planned else []), "resume"]


def _refuse_uncaptured(snapshot: Sequence[str], tables: Sequence[str]) -> None:
    unknown = [table for table in snapshot if table not in tables]
    if unknown:
        raise InvalidError(
            "A snapshot is requested for tables that the connector does not capture",
            where="option snapshot",
            why=", ".join(unknown),
            remedy="add them to the tables that are captured, or remove them from snapshot",
        )


def _await_initial_snapshot(client: ConnectClient, params: Mapping[str, Any], current: Connector) -> None:
    """Wait for the end of an initial snapshot that runs, since a connector that stops or changes begins it again."""
    name, server = current.name, current.config.get("topic.prefix", "")

    def ended() -> bool | None:
        found = client.connector(name)
        if found is None or found.failures or found.state in ("PAUSED", "STOPPED"):
            return True  # it does not run
        return None if begins_with_snapshot(offset_of(client.offsets(name), server)) else True

    if wait_for(ended, Deadline(params["wait_timeout"])) is None:
        raise DeadlineError(
            f"The initial snapshot of the connector {name} has not ended after {params['wait_timeout']} s",
            where=client.where,
            why="a change of the connector would begin it again, and rows that are deleted meanwhile would stay in the"
            " topics; nothing was changed",
            remedy="run again when it has ended, or with a larger wait_timeout; to restart it anyway, stop the"
            " connector first",
        )


def _stop(
    client: ConnectClient, params: Mapping[str, Any], config: Mapping[str, str], current: Connector | None
) -> Mapping[str, Any] | None:
    """Stop the connector, or create it stopped, and read the offset at which it stands."""
    # Capturing nothing, so that a run that ends here has its tables added by the next one, with a snapshot where an
    # earlier connector of this name has left its offset.
    nothing = {**config, "table.include.list": _NOTHING} if current is None else None
    connector.reconcile({**params, "state": "stopped", "config": nothing}, False)
    return offset_of(client.offsets(params["name"]), config["topic.prefix"])


@contextlib.contextmanager
def _running_after_all(client: ConnectClient, before: Connector | None, keyed: Sequence[str]) -> Iterator[None]:
    """Resume a connector that was to be stopped for a moment when that fails, so that its tables are captured.

    It stays stopped where it names tables by now whose snapshots may not stand in its offset.
    """
    try:
        yield
    except PipelineError as error:
        if before is not None and not _resumed(client, before, keyed):
            left = f"the connector {before.name} is left stopped: the next run resumes it"
            error.remedy = f"{error.remedy}; {left}" if error.remedy else left
        raise


def _resumed(client: ConnectClient, before: Connector, keyed: Sequence[str]) -> bool:
    try:
        now = client.connector(before.name)
        offset = offset_of(client.offsets(before.name), before.config.get("topic.prefix", ""))
        safe = now is not None and (now.config == before.config or set(keyed) <= set(pending(offset)))
        if safe:
            client.resume(before.name)
    except PipelineError:
        return False
    return safe


def _request(client: ConnectClient, params: Mapping[str, Any], config: Mapping[str, str], tables: list[str]) -> None:
    """Put the snapshots into the offset of the stopped connector, then the tables into its configuration."""
    name, server = params["name"], config["topic.prefix"]

    def ask() -> None:
        offset = offset_of(client.offsets(name), server)
        client.alter_offset(name, {"server": server}, with_pending(offset or {}, tables))

    ask()
    connector.reconcile({**params, "state": "stopped"}, False)
    # Another run, which read the offset before this one, may have replaced it.
    if not set(tables) <= set(pending(offset_of(client.offsets(name), server))):
        ask()
