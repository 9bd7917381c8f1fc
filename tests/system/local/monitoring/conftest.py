# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An instance that is watched, under a small load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from figures import table
from flow import Flow, flowing
from receivers import Receivers
from sinks import Samples, mails, served
from site_runs import Site
from watched import Watched

NAME, OFFSET = "watched", 1250
# A fifth of what alerts wait for, and seconds between scrapes; and what users have.
SOON, USUAL = (0.2, 5), (1, 30)
# What runs again where they change.
CHANGED = "archive,monitoring"
# Seconds between two transactions of ten changes.
PAUSE = 0.2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Those with alerts as users have them come last, since they change the instance.
    items.sort(key=lambda item: "unscaled" in getattr(item, "fixturenames", ()))
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="makes an instance and mounts, and so needs root"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def watched() -> Iterator[Watched]:
    """The instance that the environment names, or one built for these tests.

    Its alerts go to a webhook and to a mailbox, and wait for a fifth of their times.
    """
    given = os.environ.get("CDC_INSTANCE")
    name, offset = given or NAME, int(os.environ.get("CDC_PORT_OFFSET", OFFSET))
    site = Site(name, offset, Path("/var/lib/cdc-pipeline") / name)
    with mails() as (mailbox, kept), served(Samples()) as (hook, hooks):
        email = {"to": ["team@example.org"], "from": "cdc@example.org", "server": mailbox, "require_tls": False}
        everyone = {"name": "everyone", "email": email, "webhook": {"url": f"http://{hook}/hook"}}
        found = Watched(site, Receivers(hooks, kept), {"monitoring_receivers": [everyone]})
        try:
            found.run(*SOON, *(("--tags", CHANGED) if given else ()))
            yield found
        finally:
            if not given and not os.environ.get("CDC_KEEP"):
                site.remove()


@pytest.fixture(scope="session")
def unscaled(watched: Watched) -> Watched:
    """The same with the times that users have."""
    watched.run(*USUAL, "--tags", CHANGED)
    return watched


@pytest.fixture
def flow(watched: Watched) -> Iterator[Flow]:
    """Fifty changes a second, all the while; a test proves at its end that each arrived once."""
    with flowing(watched.context, PAUSE) as changes:
        yield changes
