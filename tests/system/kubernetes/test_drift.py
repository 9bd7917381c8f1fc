# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A change by hand: check mode reports it and nothing else, and a run takes it back."""

from __future__ import annotations

from pipeline import Pipeline
from site_runs import Run, Site

_KEY = "archive.yml"
_PATCH = "application/merge-patch+json"
# What kubectl signs with: the manager of a field tells a person's hand from a controller.
_HAND = "kubectl-edit"


def run(site: Site, *arguments: str) -> Run:
    return site.run("--tags", "archive", *arguments, playbook="playbooks/integration.yml").must_succeed()


def test_a_change_by_hand_is_shown_and_taken_back(pipeline: Pipeline, site: Site):
    path = pipeline.cluster.path("configmaps", "archive-config")
    pods = {name: pod["metadata"]["uid"] for name, pod in pipeline.pods("archive").items()}
    stated = pipeline.cluster.get(path)["data"][_KEY]
    assert run(site, "--check", "--diff").changed == 0
    pipeline.cluster.call("PATCH", path, {"data": {_KEY: stated + "# by hand\n"}}, _PATCH, fieldManager=_HAND)
    shown = run(site, "--check", "--diff")
    assert shown.changed == 1 and "# by hand" in shown.output
    assert pipeline.cluster.get(path)["data"][_KEY].endswith("# by hand\n"), "check mode changes nothing"
    assert run(site).changed == 1
    assert pipeline.cluster.get(path)["data"][_KEY] == stated
    assert {name: pod["metadata"]["uid"] for name, pod in pipeline.pods("archive").items()} == pods
    assert run(site, "--check", "--diff").changed == 0
