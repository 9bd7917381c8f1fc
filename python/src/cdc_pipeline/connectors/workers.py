"""Kafka Connect's REST interface, as much as is needed of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cdc_pipeline.clients.http import client
from cdc_pipeline.endpoints import KafkaConnectEndpoint

TIMEOUT_SECONDS = 10.0
_FAILED = "FAILED"


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
            url: client(url, where.login, where.ca, TIMEOUT_SECONDS, transport=transport) for url in where.workers
        }

    def failures(self) -> list[Failure]:
        """Everything that has failed.

        Raises:
            WorkersError: no worker answers.
        """
        found = self._ask("GET", "/connectors", {"expand": "status"}).json()
        return [failure for name, each in found.items() for failure in _failures(name, each["status"])]

    def restart_failed(self, connector: str) -> None:
        """Restart what has failed of it, and nothing else.

        Raises:
            WorkersError: no worker could, such as while tasks are being moved between them.
        """
        query = {"includeTasks": "true", "onlyFailed": "true"}
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


def _failures(name: str, status: dict[str, Any]) -> Iterator[Failure]:
    if status["connector"]["state"] == _FAILED:
        yield Failure(name, None, root_cause(status["connector"].get("trace", "")))
    for task in status["tasks"]:
        if task["state"] == _FAILED:
            yield Failure(name, task["id"], root_cause(task.get("trace", "")))


def root_cause(trace: str) -> str:
    """The last cause that a Java trace names."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    return causes[-1].removeprefix("Caused by: ") if causes else trace.partition("\n")[0]
