# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The pipeline that the environment names, and what the faults in it need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flow import Flow, flowing
from pipeline import Pipeline
from site_runs import ROOT, Site

_NEEDED = ("CDC_ENDPOINTS", "CDC_KUBECONFIG")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = [name for name in _NEEDED if name not in os.environ]
    for item in items:
        item.add_marker(pytest.mark.integration)
        if absent:
            item.add_marker(pytest.mark.skip(reason=f"{', '.join(absent)} name no pipeline in a cluster"))


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """The running pipeline, all of which must be well to begin with."""
    found = Pipeline.read(
        Path(os.environ["CDC_ENDPOINTS"]), os.environ["CDC_KUBECONFIG"], os.environ.get("CDC_NAMESPACE", "")
    )
    found.settled(60)
    return found


@pytest.fixture
def flow(pipeline: Pipeline) -> Iterator[Flow]:
    """Changes that are made all the while; a test proves at its end that each arrived once."""
    with flowing(pipeline.context()) as running:
        yield running


@pytest.fixture(scope="session")
def site(pipeline: Pipeline) -> Site:
    """Runs playbooks for this pipeline."""
    options = [f"--inventory={ROOT}/inventories/{os.environ.get('CDC_INVENTORY', 'kind')}"]
    if "CDC_VARIABLES" in os.environ:
        options.append(f"--extra-vars=@{Path(os.environ['CDC_VARIABLES']).resolve()}")
    return Site(
        os.environ.get("CDC_INSTANCE", "kind"),
        int(os.environ.get("CDC_PORT_OFFSET", "0")),
        Path(os.environ["CDC_ENDPOINTS"]).parent,
        options=tuple(options),
    )
