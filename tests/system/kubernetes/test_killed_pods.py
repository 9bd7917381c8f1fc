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
# One of each kind: what keeps nothing, a member of a quorum, what keeps all in one place. The others take longer.
PODS = (
    pytest.param("archive", 0),
    pytest.param("kafka", 1),
    pytest.param("postgresql", 0),
    pytest.param("connectors", 0, marks=pytest.mark.full),
    pytest.param("kafka", 0, marks=pytest.mark.full),
    pytest.param("kafka", 2, marks=pytest.mark.full),
    pytest.param("kafka-connect", 0, marks=pytest.mark.full),
    pytest.param("object-store", 0, marks=pytest.mark.full),
    pytest.param("schema-registry", 0, marks=pytest.mark.full),
)


@pytest.mark.parametrize(("workload", "ordinal"), PODS)
def test_a_killed_pod_comes_back(pipeline: Pipeline, flow: Flow, workload: str, ordinal: int):
    if not pipeline.pods(workload):
        pytest.skip(f"{workload} is not run here")
    pod = pipeline.pod_of(workload, ordinal)
    kill(pipeline, pod)
    seconds = replaced(pipeline, workload, pod, COMES_BACK)
    print(f"{pod['metadata']['name']}: all well again after {seconds:.0f} s")
    flow.arrived()
    pipeline.verify()
