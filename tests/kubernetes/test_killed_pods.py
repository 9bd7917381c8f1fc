# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Any pod that is killed comes back, with its data; what was committed meanwhile arrives once."""

from __future__ import annotations

import pytest
from faults import kill, replaced
from flow import Flow
from pipeline import Pipeline

# A JVM on a busy machine takes most of it. Measured: printed.
COMES_BACK = 180.0
PODS = (
    ("connectors", 0),
    ("kafka", 0),
    ("kafka", 1),
    ("kafka", 2),
    ("kafka-connect", 0),
    ("object-store", 0),
    ("postgresql", 0),
    ("schema-registry", 0),
)


def test_a_killed_archive_comes_back(pipeline: Pipeline, flow: Flow):
    killed_comes_back(pipeline, flow, "archive", 0)


@pytest.mark.full
@pytest.mark.parametrize(("workload", "ordinal"), PODS, ids=[f"{name}-{ordinal}" for name, ordinal in PODS])
def test_any_killed_pod_comes_back(pipeline: Pipeline, flow: Flow, workload: str, ordinal: int):
    killed_comes_back(pipeline, flow, workload, ordinal)


def killed_comes_back(pipeline: Pipeline, flow: Flow, workload: str, ordinal: int) -> None:
    if not pipeline.pods(workload):
        pytest.skip(f"{workload} is not run here")
    pod = pipeline.pod_of(workload, ordinal)
    kill(pipeline, pod)
    seconds = replaced(pipeline, workload, pod, COMES_BACK)
    print(f"{pod['metadata']['name']}: all well again after {seconds:.0f} s")
    flow.arrived()
    pipeline.verify()
