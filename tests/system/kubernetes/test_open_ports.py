# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A port that something in a pod opens is found by verification, whatever it is and whoever states it."""

from __future__ import annotations

import contextlib

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.finding import Finding
from cdc_pipeline.verify.checks import strangers
from pipeline import Pipeline

_PORT = 38123
_SERVER = f"""
timeout 120 python3 -m http.server {_PORT} --directory /tmp > /dev/null 2>&1 &
for try in $(seq 100); do
  python3 -c 'import socket; socket.create_connection(("127.0.0.1", {_PORT}), 1)' 2> /dev/null && exit
  sleep 0.2
done
echo "the server does not listen" >&2
exit 1
"""


def found(pipeline: Pipeline) -> dict[str, Finding]:
    (step,) = strangers.STEPS
    return {each.id: each for each in step.run(pipeline.context())}


def test_a_port_that_answers_everybody_is_found(pipeline: Pipeline):
    assert all(each.ok for each in found(pipeline).values())
    pod = pipeline.pod_of("archive")["metadata"]["name"]
    started = pipeline.cluster.execute(pod, ["sh", "-c", _SERVER], "archive")
    assert started.code == 0, started
    try:
        after = found(pipeline)
    finally:
        # A new pod takes its place, without the server.
        with contextlib.suppress(ClusterError):
            pipeline.cluster.delete("pods", pod)
        pipeline.settled(180)
    assert not after["certificates.ports.encrypted"].ok
    assert list(after["certificates.ports.encrypted"].found) == [f"{pod}:{_PORT}"]
