# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A component that needs more memory than its limit is killed, starts again, and loses nothing."""

from __future__ import annotations

import contextlib

import pytest
from cdc_pipeline.instance.answer import ClusterError, Object
from cdc_pipeline.verify.checks.pods import memory_of
from flow import Flow
from pipeline import Pipeline
from waiting import until

COMES_BACK = 180.0
# Memory is taken in the container until the kernel ends the largest process in its control group, which has to be the
# component: many small ones take it. `tail` keeps what it reads until a line ends.
_TAKERS = 26
_TAKE = """\
echo 1000 > /proc/1/oom_score_adj
for each in $(seq {takers}); do {{ head -c {bytes} /dev/zero; sleep 30; }} | tail -n 1 > /dev/null & done
wait
"""


def test_an_archive_over_its_limit_is_killed_and_comes_back(pipeline: Pipeline, flow: Flow):
    over_its_limit(pipeline, flow, "archive")


@pytest.mark.full
@pytest.mark.parametrize("workload", ["kafka", "kafka-connect", "schema-registry"])
def test_any_component_over_its_limit_comes_back(pipeline: Pipeline, flow: Flow, workload: str):
    over_its_limit(pipeline, flow, workload)


def over_its_limit(pipeline: Pipeline, flow: Flow, workload: str) -> None:
    if not pipeline.pods(workload):
        pytest.skip(f"{workload} is not run here")
    pod = pipeline.pod_of(workload)
    name, limit = pod["metadata"]["name"], memory_of(pod, "limits")
    assert limit, f"{name} has no limit"
    before = container(pod)["restartCount"]
    take = _TAKE.format(takers=_TAKERS, bytes=limit // (_TAKERS - 2))
    # The command ends with the container.
    with contextlib.suppress(ClusterError):
        pipeline.cluster.execute(name, ["sh", "-c", take], workload, 60)
    after = until(
        lambda: container(pipeline.pods(workload)[name]),
        lambda found: found["restartCount"] > before,
        60,
        f"{name} restarts",
    )
    assert after["lastState"]["terminated"]["reason"] == "OOMKilled", after["lastState"]
    seconds = pipeline.settled(COMES_BACK)
    print(f"{name} was OOMKilled at {limit // 2**20} MiB; all well again after {seconds:.0f} s")
    flow.arrived()
    pipeline.verify()


def container(pod: Object) -> Object:
    """The state of the component's own."""
    return pod["status"]["containerStatuses"][0]
