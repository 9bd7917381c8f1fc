# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The pipeline through which the tables go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline import Pipeline
from site_runs import Site

OFFSET_RUNNING = 2500


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """A running one: that which the environment names, or one built for these tests."""
    if os.geteuid() != 0:
        pytest.skip("looks into an instance, and so needs root")
    given = os.environ.get("CDC_INSTANCE")
    name = given or "by-type"
    home = Path(os.environ.get("CDC_HOME", f"/var/lib/cdc-pipeline/{name}"))
    site = Site(name, int(os.environ.get("CDC_PORT_OFFSET", OFFSET_RUNNING)), home)
    if not given:
        site.run().must_succeed()
    yield Pipeline(site)
    if not given and not os.environ.get("CDC_KEEP"):
        site.remove()
