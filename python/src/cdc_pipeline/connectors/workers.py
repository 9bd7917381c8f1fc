"""Kafka Connect's REST interface, as much as is needed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cdc_pipeline.clients.http import client
from cdc_pipeline.connectors.observed import FAILED, Connector, Part
from cdc_pipeline.endpoints import KafkaConnectEndpoint
from cdc_pipeline.trouble import plain

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Failure:
    """What has failed of a connector: ``task`` is None for the connector itself; ``cause`` is one line."""

    connector: str
    task: int | None
    cause: str

    @property
    def name(self) -> str:
        """For people."""
        return self.connector if self.task is None else f"{self.connector}, task {self.task}"


class WorkersError(Exception):
    """No worker did what was asked; the text says why."""


class Workers:
    """The workers of one Connect cluster; any of them answers for all."""

    def __init__(self, where: KafkaConnectEndpoint, transport: httpx.BaseTransport | None = None) -> None:
        self._clients = {
            url: client(url, where.writer, where.ca, TIMEOUT_SECONDS, transport=transport) for url in where.workers
        }

    def connectors(self) -> dict[str, Connector]:
        """Every connector that has a state, with its tasks.

        Raises:
            WorkersError: no worker answers.
        """
        found = self._ask("GET", "/connectors", {"expand": "status"}).json()
        return {name: _connector(each["status"]) for name, each in found.items()}

    def position(self, connector: str) -> str:
        """Its stored offsets, as one text that is the same as long as they are.

        Connect reads a topic for it each time, so this is not for every look.

        Raises:
            WorkersError: no worker answers.
        """
        found = self._ask("GET", f"/connectors/{quote(connector, safe='')}/offsets", {}).json()
        return json.dumps(found.get("offsets", []), sort_keys=True)

    def restart_failed(self, connector: str) -> None:
        """Restart what has failed of it, and nothing else.

        Raises:
            WorkersError: no worker could, such as while tasks are being moved between them.
        """
        self._restart(connector, "true")

    def restart(self, connector: str) -> None:
        """Restart it and all its tasks.

        Raises:
            WorkersError: as of :meth:`restart_failed`.
        """
        self._restart(connector, "false")

    def _restart(self, connector: str, only_failed: str) -> None:
        query = {"includeTasks": "true", "onlyFailed": only_failed}
        self._ask("POST", f"/connectors/{quote(connector, safe='')}/restart", query)

    def pause(self, connector: str) -> None:
        """Its tasks stop reading, and keep what they have.

        Raises:
            WorkersError: no worker could.
        """
        self._ask("PUT", f"/connectors/{quote(connector, safe='')}/pause", {})

    def resume(self, connector: str) -> None:
        """The opposite.

        Raises:
            WorkersError: no worker could.
        """
        self._ask("PUT", f"/connectors/{quote(connector, safe='')}/resume", {})

    def _ask(self, method: str, path: str, query: dict[str, str]) -> httpx.Response:
        problems = []
        for url, worker in self._clients.items():
            try:
                answer = worker.request(method, path, params=query)
                if answer.is_success:
                    return answer
                problems.append(f"{url}: {answer.status_code} {answer.text[:200]}")
            except httpx.HTTPError as error:
                problems.append(f"{url}: {error}")
        raise WorkersError("; ".join(problems))


def failures(connectors: Mapping[str, Connector]) -> list[Failure]:
    """Everything that has failed."""
    found = []
    for name, connector in connectors.items():
        if connector.own.state == FAILED:
            found.append(Failure(name, None, connector.own.cause))
        found += [Failure(name, id, task.cause) for id, task in connector.tasks.items() if task.state == FAILED]
    return found


def _connector(status: Mapping[str, Any]) -> Connector:
    return Connector(_part(status["connector"]), {int(task["id"]): _part(task) for task in status["tasks"]})


def _part(status: Mapping[str, Any]) -> Part:
    return Part(status["state"], plain(root_cause(status.get("trace") or "")) if status["state"] == FAILED else "")


def root_cause(trace: str) -> str:
    """The last cause that a Java trace names."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    return causes[-1].removeprefix("Caused by: ") if causes else trace.partition("\n")[0]
