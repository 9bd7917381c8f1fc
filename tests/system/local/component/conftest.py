# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The copy with the made-up role, and the instance in which it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from edited import ROLE, edited_checkout
from site_runs import UNWATCHED, Site

# Below the ports that the kernel gives to outgoing connections; other instances have other ones.
OFFSET = 1450


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the edited checkout."""
    return edited_checkout(tmp_path_factory.mktemp("component") / "checkout")


@pytest.fixture(scope="session")
def site(copy: Path) -> Iterator[Site]:
    """The instance; the role has been set up in it by its tag alone."""
    if os.geteuid() != 0:
        pytest.skip("sets up an instance, and so needs root")
    # The name `cdc` in shells stays another instance's.
    options = ("-e", '{"services_command": ""}')
    made = Site("component", OFFSET, Path("/var/lib/cdc-pipeline/component"), copy, options, UNWATCHED)
    # Of a test that was interrupted.
    made.remove()
    try:
        made.run("--tags", ROLE).must_succeed()
        yield made
    finally:
        made.remove()
