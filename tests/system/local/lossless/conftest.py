# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables of all tests, captured in one run."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cases import Table
from pipeline import Archived, captured, connected, remove
from site_runs import UNWATCHED, Site

OFFSET_RUNNING = 1900
OFFSET_NEW = 2200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="makes users, mounts and instances, and so needs root"))


@pytest.fixture(scope="session")
def running() -> Iterator[Site]:
    """A running instance: the one that the environment names, or one built for these tests."""
    given = os.environ.get("CDC_INSTANCE")
    name = given or "lossless"
    home = Path(os.environ.get("CDC_HOME", f"/var/lib/cdc-pipeline/{name}"))
    checkout = Path(os.environ.get("CDC_CHECKOUT", Path(__file__).resolve().parents[4]))
    site = Site(name, int(os.environ.get("CDC_PORT_OFFSET", OFFSET_RUNNING)), home, checkout)
    if not given:
        site.run().must_succeed()
    yield site
    if not given and not os.environ.get("CDC_KEEP"):
        site.remove()


@pytest.fixture(scope="session", params=["added", pytest.param("initial", marks=pytest.mark.full)])
def archived(request: pytest.FixtureRequest) -> Iterator[Archived]:
    """The tables of every module of which a test is run (its `TABLES`), captured, changed and archived.

    They are added to a running pipeline, or there before the connector is. Meanwhile a module's `surroundings` hold, a
    context manager of a connection to the database.
    """
    modules = {item.module.__name__: item.module for item in request.session.items}
    tables: list[Table] = [table for module in modules.values() for table in getattr(module, "TABLES", ())]
    new = request.param == "initial"
    site = _new() if new else request.getfixturevalue("running")
    try:
        if new:
            site.run("--tags", "postgresql").must_succeed()
        with ExitStack() as stack:
            for module in modules.values():
                if hasattr(module, "surroundings"):
                    stack.enter_context(module.surroundings(stack.enter_context(connected(site))))
            found = captured(site, tables, new)
        yield found
    finally:
        if new:
            site.remove()
        elif not os.environ.get("CDC_KEEP"):
            remove(site, tables)


def _new() -> Site:
    name = f"lossless-{uuid.uuid4().hex[:6]}"
    return Site(name, OFFSET_NEW, Path("/var/lib/cdc-pipeline") / name, variables=UNWATCHED)
