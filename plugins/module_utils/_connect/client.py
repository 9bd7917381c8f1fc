# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kafka Connect's REST API, in records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._awaited import unasked
from .._errors import RequestError
from .._rest import RestClient

# What Connect says with a 409 that passes by itself. Its other 409 is a name that is taken.
_MOMENTARY = re.compile(r"rebalanc|stale configuration|momentarily|try again", re.IGNORECASE)


@dataclass(frozen=True)
class Task:
    """A task's status. :param trace: the stack trace of its failure, empty while it works."""

    id: int
    state: str
    worker_id: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Connector:
    """A connector as the worker describes it.

    :param state: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED or RESTARTING.
    """

    name: str
    config: Mapping[str, str]
    state: str
    kind: str = ""
    worker_id: str = ""
    trace: str = ""
    tasks: tuple[Task, ...] = field(default=())

    @property
    def failures(self) -> list[Task]:
        """The tasks that failed; the connector itself counts as task -1."""
        own = [Task(-1, self.state, self.worker_id, self.trace)] if self.state == "FAILED" else []
        return own + [task for task in self.tasks if task.state == "FAILED"]


class ConnectClient:
    """Reads and changes connectors. :param params: the options of `rest_arguments`."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._rest = RestClient(params, "Kafka Connect", momentary=is_momentary)
        self.where = self._rest.where

    def connector(self, name: str) -> Connector | None:
        """The connector, or None when there is none of this name."""
        try:
            info = self._rest.call("GET", "connectors", name)
            status = self._rest.call("GET", "connectors", name, "status")
        except RequestError as error:
            if is_absent(error):
                return None
            raise
        return to_connector(info, status)

    def connectors(self) -> list[Connector]:
        """All connectors, by name."""
        expanded = self._rest.call("GET", "connectors", query={"expand": ["info", "status"]})
        return [to_connector(expanded[name]["info"], expanded[name]["status"]) for name in sorted(expanded)]

    def plugins(self) -> list[str]:
        """Class names of the connector plugins that the worker has."""
        return sorted(plugin["class"] for plugin in self._rest.call("GET", "connector-plugins"))

    def validate(self, config: Mapping[str, str]) -> dict[str, Any]:
        """The plugin's judgement of `config`, in Connect's form (`configs`, each with `definition` and `value`)."""
        path = ("connector-plugins", config["connector.class"], "config", "validate")
        return self._rest.call("PUT", *path, body=dict(config))

    def create(self, name: str, config: Mapping[str, str], initial_state: str) -> None:
        if initial_state == "RUNNING":
            self.update(name, config)  # creates too, and may be repeated
            return
        body = {"name": name, "config": dict(config), "initial_state": initial_state}
        self._rest.call("POST", "connectors", body=body)

    def update(self, name: str, config: Mapping[str, str]) -> None:
        self._rest.call("PUT", "connectors", name, "config", body=dict(config))

    def pause(self, name: str) -> None:
        self._rest.call("PUT", "connectors", name, "pause")

    def resume(self, name: str) -> None:
        self._rest.call("PUT", "connectors", name, "resume")

    def stop(self, name: str) -> None:
        self._rest.call("PUT", "connectors", name, "stop")

    def restart_failed(self, name: str) -> None:
        """Restart the connector and its tasks as far as they failed."""
        query = {"includeTasks": "true", "onlyFailed": "true"}
        self._rest.call("POST", "connectors", name, "restart", query=query, idempotent=True)

    def delete(self, name: str) -> None:
        """Delete the connector. Its offsets stay."""
        try:
            self._rest.call("DELETE", "connectors", name)
        except RequestError as error:
            if not is_absent(error):  # a repeated request finds it gone
                raise

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """The connector's offsets, each with `partition` and `offset` in the connector's own terms."""
        return self._rest.call("GET", "connectors", name, "offsets")["offsets"]

    def alter_offset(self, name: str, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """Replace the offset of one partition. The connector must be stopped."""
        body = {"offsets": [{"partition": dict(partition), "offset": dict(offset)}]}
        self._rest.call("PATCH", "connectors", name, "offsets", body=body, idempotent=True)

    def reset_offsets(self, name: str) -> None:
        """Forget all offsets. The connector must be stopped."""
        self._rest.call("DELETE", "connectors", name, "offsets", idempotent=True)


class NoConnect:
    """A worker that is not there yet, and so has no connector."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.where = params["url"]

    def connector(self, name: str) -> None:
        return None

    def connectors(self) -> list[Connector]:
        return []


def connect_client(params: Mapping[str, Any]) -> ConnectClient | NoConnect:
    """The worker as check mode may ask it. :param params: the options of `rest_arguments`."""
    return NoConnect(params) if unasked(params) else ConnectClient(params)


def is_momentary(error: RequestError) -> bool:
    """Whether Connect says that it cannot do this right now, which passes by itself."""
    return error.status == 409 and bool(_MOMENTARY.search(error.why))


def is_absent(error: RequestError) -> bool:
    """Whether Connect itself says that there is no such connector."""
    return error.status == 404 and error.code == 404


def to_connector(info: Mapping[str, Any], status: Mapping[str, Any]) -> Connector:
    """Connect's `info` and `status` of one connector as a record."""
    own = status["connector"]
    tasks = tuple(
        Task(task["id"], task["state"], task.get("worker_id", ""), task.get("trace", ""))
        for task in sorted(status.get("tasks", []), key=lambda task: task["id"])
    )
    return Connector(
        name=info["name"],
        config=dict(info["config"]),
        state=own["state"],
        kind=status.get("type", ""),
        worker_id=own.get("worker_id", ""),
        trace=own.get("trace", ""),
        tasks=tasks,
    )
