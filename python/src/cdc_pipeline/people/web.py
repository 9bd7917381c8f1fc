"""People at the servers that speak HTTP: their logins are in the files of :mod:`cdc_pipeline.people.logins`."""

from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from cdc_pipeline.clients import http
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.people.logins import Person
from cdc_pipeline.people.standing import Standing
from cdc_pipeline.supervise.rpc import Supervisor

# Seconds that a server may take to end.
_ENDS = 60.0
STANDINGS = {200: Standing.IN, 403: Standing.PARTLY, 401: Standing.OUT}
_DOWN = ("STOPPED", "EXITED", "FATAL")


@dataclass(frozen=True)
class WebServer:
    """One server, or several replicas of it, that read the file of logins at each request.

    Attributes:
        urls: of each replica.
        path: below it, what every login may read.
    """

    title: str
    urls: tuple[str, ...]
    ca: str
    path: str

    def standing(self, person: Person) -> dict[str, Standing]:
        """Of each URL.

        Raises:
            OSError: a server does not answer, or not as it should.
        """
        found = {}
        for url in self.urls:
            with http.client(url, person.login, self.ca) as client:
                try:
                    status = client.get(self.path).status_code
                except httpx.HTTPError as error:
                    raise OSError(f"{url}: {error}") from None
            if status not in STANDINGS:
                raise OSError(f"{url}: status {status}")
            found[url] = STANDINGS[status]
        return found

    def admit(self, person: Person) -> None:
        """Nothing: the file has their line already."""

    def dismiss(self, person: Person) -> None:
        """Nothing: the file has their line no more."""


@dataclass(frozen=True)
class Registry(WebServer):
    """The schema registry, which reads its file when it starts.

    Attributes:
        process: by which the supervisor knows it.
        says: tells the user.
    """

    supervisor: Supervisor
    process: str
    says: Callable[[str], None]

    def standing(self, person: Person) -> dict[str, Standing]:
        try:
            return super().standing(person)
        except OSError:
            if self._state() not in _DOWN:
                raise
            # As where this was killed between its end and its start.
            return dict.fromkeys(self.urls, Standing.PARTLY)

    def admit(self, person: Person) -> None:
        self._restart()

    def dismiss(self, person: Person) -> None:
        self._restart()

    def _restart(self) -> None:
        """
        Raises:
            OSError: the supervisor does not answer, or the registry does not end.
        """
        self.says(
            f"{self.title}: is restarted, because it reads its users only at its start. For some seconds it does not "
            "answer; who needs it waits meanwhile."
        )
        try:
            _tell(self.supervisor.stop, self.process)
            deadline = time.monotonic() + _ENDS
            while self._state() not in _DOWN:
                if time.monotonic() > deadline:
                    raise OSError(f"{self.process} does not end within {_ENDS:.0f} s")
                time.sleep(0.1)
        finally:
            # Also where this is interrupted.
            if self._state() in _DOWN:
                _tell(self.supervisor.start, self.process)

    def _state(self) -> str:
        try:
            return self.supervisor.processes()[self.process].state
        except (KeyError, xmlrpc.client.Error) as error:
            raise OSError(f"the supervisor does not report {self.process}: {error}") from None


def _tell(call: Callable[[str], None], process: str) -> None:
    try:
        call(process)
    except xmlrpc.client.Error as error:
        raise OSError(f"the supervisor refuses for {process}: {error}") from None


def web_servers(endpoints: Endpoints, archive: bool) -> list[WebServer]:
    """Those that read their logins at each request. ``archive``: whether its service runs."""
    connect, watchdog, writes = endpoints.kafka_connect, endpoints.connectors, endpoints.archive
    found = [
        WebServer("Kafka Connect", connect.workers, connect.ca, "/connectors"),
        WebServer("the watchdog", (watchdog.url,), watchdog.ca, "/status"),
    ]
    found += [WebServer("the archive", (writes.url,), writes.ca, "/metrics")] if archive else []
    page = endpoints.monitoring.page if endpoints.monitoring else None
    return found + ([WebServer("monitoring", (page.url,), page.ca, "/api/dashboards")] if page else [])
