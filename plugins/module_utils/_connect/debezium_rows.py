# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rows of added tables that an incremental snapshot cannot bring, by a connector of their own.

An incremental snapshot reads by a key, and notes the table's name in a form that it does not always read back. A
connector with the snapshot mode `initial_only` does neither: it reads the whole table once, writes to the same topics
and needs no slot. It is there before the main connector names the tables, stopped, so that an interrupted run is simply
run again, and goes when all rows are in Kafka. Its offset, written in one transaction with the rows, says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._errors import DeadlineError, RequestError
from .._wait import Deadline, wait_for
from . import connector
from .client import ConnectClient
from .debezium_offsets import begins_with_snapshot, captured, naming, offset_of

_SUFFIX = "-rows"
# How Connect answers while a task ends.
_ENDING = (400, 500)
_SMALL = {"max.batch.size": "512", "max.queue.size": "1024"}
# Debezium names metrics by the topic prefix, which both connectors have, and waits two minutes for a name in use.
_METRICS, _TAG = "custom.metric.tags", "reads=rows"
# The main connector's alone.
_NOT_OURS = ("heartbeat.action.query", "snapshot.mode", "table.include.list", "name")


class Rows:
    """The connector that brings rows for the connector `name`.

    :param params: of the module.
    :param config: of the main connector.
    """

    def __init__(self, client: ConnectClient, params: Mapping[str, Any], config: Mapping[str, str]) -> None:
        self._client, self._params, self._config = client, params, config
        self.name = params["name"] + _SUFFIX

    def pending(self, tables: Iterable[str]) -> list[str]:
        """Those of the tables (ids) whose rows are on their way."""
        found = self._client.connector(self.name)
        return [] if found is None else captured(found.config, tables)

    def prepare(self, tables: Sequence[str]) -> None:
        """Have it stopped, and about to read these tables (ids) and those that it has not read to the end."""
        found = self._client.connector(self.name)
        if found is not None and not self._finished():
            tables = list(dict.fromkeys([*captured(found.config, self._params["tables"]), *tables]))
        if found is not None:
            # First, since a change of what runs begins to read at once.
            self._reconcile("stopped", None)
        self._reconcile("stopped", self._wanted(tables))
        self._forget()

    def run(self) -> None:
        """Have it read.

        :raises FailedError: it fails.
        """
        self._reconcile("running", None)

    def remove_finished(self) -> bool:
        """Delete it if all is read; whether it was. Its offset stays until it is next prepared: a run may end here."""
        if not self._finished():
            return False
        self._reconcile("absent", None)
        return True

    def _finished(self) -> bool:
        return not begins_with_snapshot(offset_of(self._client.offsets(self.name), self._config["topic.prefix"]))

    def _forget(self) -> None:
        """Have no offset any more. Its task may still be ending, and until then Connect refuses."""
        deadline = Deadline(self._params["wait_timeout"])

        def forgotten() -> bool | None:
            try:
                if self._client.offsets(self.name):
                    self._client.reset_offsets(self.name)
            except RequestError as error:
                if error.status not in _ENDING or deadline.expired:
                    raise
                return None
            return True

        if not wait_for(forgotten, deadline):
            raise DeadlineError(
                f"The offset of the connector {self.name} cannot be deleted",
                where=self._client.where,
                remedy="run again; the log of Kafka Connect says what its task waits for",
            )

    def _wanted(self, tables: Sequence[str]) -> dict[str, str]:
        kept = {key: value for key, value in self._config.items() if key not in _NOT_OURS}
        bytes_held = kept.get("max.queue.size.in.bytes", "")
        return {
            **kept,
            # It stands beside the main connector in the worker's memory.
            **(_SMALL if "max.queue.size" in kept else {}),
            **({"max.queue.size.in.bytes": str(int(bytes_held) // 4)} if bytes_held.isdigit() else {}),
            _METRICS: ",".join(filter(None, (kept.get(_METRICS), _TAG))),
            "snapshot.mode": "initial_only",
            "table.include.list": ",".join(naming(self._config, table) for table in tables),
        }

    def _reconcile(self, state: str, config: Mapping[str, str] | None) -> None:
        connector.reconcile({**self._params, "name": self.name, "config": config, "state": state}, False)
