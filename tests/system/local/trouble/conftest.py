# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instances to make trouble in."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from added import Added, made, written
from archived import context_of
from flow import Flow, flowing
from site_runs import UNWATCHED, Site, shared_tables

# Below the ports that the kernel gives to outgoing connections.
OFFSET_RUNNING = 1700
# Two steps of `make test` make fresh instances at the same time.
OFFSET_FRESH = int(os.environ.get("CDC_FRESH_OFFSET", "2100"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Those that capture tables follow each other, since each has the pipeline forget the tables of the one before it.
    items.sort(key=lambda item: "capture" in getattr(item, "fixturenames", ()))
    for item in items:
        if "running" not in getattr(item, "fixturenames", ()):
            item.add_marker("apart")
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="makes users, mounts and instances, and so needs root"))


@pytest.fixture
def fresh() -> Iterator[Site]:
    """An instance of which nothing is there yet."""
    name = f"fresh-{uuid.uuid4().hex[:6]}"
    site = Site(name, OFFSET_FRESH, Path("/var/lib/cdc-pipeline") / name, variables=UNWATCHED)
    yield site
    site.remove()


@pytest.fixture(scope="session")
def running() -> Iterator[Site]:
    """A running instance: the one that the environment names, or one built for these tests."""
    given = os.environ.get("CDC_INSTANCE")
    name = given or "trouble"
    home = Path(os.environ.get("CDC_HOME", f"/var/lib/cdc-pipeline/{name}"))
    site = Site(name, int(os.environ.get("CDC_PORT_OFFSET", OFFSET_RUNNING)), home)
    if not given:
        site.run().must_succeed()
    yield site
    if not given and not os.environ.get("CDC_KEEP"):
        site.remove()


@pytest.fixture
def flow(running: Site) -> Iterator[Flow]:
    """Changes that are made in it all the while; a test proves at its end that each arrived once."""
    with flowing(running.context()) as changes:
        yield changes


class Capture:
    """Has tables captured beside those that every instance has, until the next call."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._kept: list[str] = []

    def __call__(self, *tables: str) -> None:
        named = [*shared_tables(), *self._kept, *tables]
        self._site.run("--tags", "connectors,archive", cdc_tables=named).must_succeed()

    def keep(self, *tables: str) -> None:
        """Until the end."""
        self._kept += tables
        self()

    def end(self) -> None:
        self._kept.clear()
        self()


@pytest.fixture(scope="session")
def capture(running: Site) -> Iterator[Capture]:
    """None of the tables is captured at the end."""
    found = Capture(running)
    yield found
    found.end()
    # What is captured no more is archived no more.
    verify = [running.home / "bin/cdc", "verify", "--component", "archive", "--home", running.home]
    subprocess.run(verify, check=True, timeout=300)


@pytest.fixture(scope="session")
def added(running: Site, capture: Capture) -> Iterator[Added]:
    """All tables that quick tests need, by one run; some of them are written meanwhile."""
    with context_of(running).postgresql() as connection:
        found = made(connection)
    with written(running, found.written):
        capture.keep(*found.tables)
    yield found
    with context_of(running).postgresql() as connection:
        for table in found.tables:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
