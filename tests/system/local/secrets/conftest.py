# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An instance with canaries for passwords, runs of it that succeed and that fail, and all that they left behind."""

from __future__ import annotations

import os
import resource
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence import Evidence, gather
from site_runs import Site

# Below the ports that the kernel gives to outgoing connections; other instances have other ones.
OFFSET = 500


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    if os.geteuid() != 0:
        pytest.skip("sets up an instance and reads every process, and so needs root")
    # As on a host where processes may write cores: what is started inherits it.
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    name = f"secrets-{uuid.uuid4().hex[:6]}"
    # The name `cdc` in shells stays another instance's.
    site = Site(name, OFFSET, Path("/var/lib/cdc-pipeline") / name, options=("-e", '{"services_command": ""}'))
    found = Evidence(site, tmp_path_factory.mktemp("secrets"))
    try:
        gather(found)
        yield found
    finally:
        if not os.environ.get("CDC_KEEP"):
            site.remove()
            # Nothing runs there.
            for other in (found.in_cluster, found.elsewhere):
                shutil.rmtree(other.home, ignore_errors=True)
                shutil.rmtree(other.reports, ignore_errors=True)
