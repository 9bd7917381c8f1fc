# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A load that begins right after one broker's pod was replaced, and no other."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline import Pipeline
from site_runs import Site

LOAD = {
    "load_test_rate": 100,
    "load_test_seconds": 10,
    "load_test_warmup_seconds": 10,
    "load_test_goal_p99_seconds": 60,
    "load_test_elsewhere": True,
}


def test_a_load_begins_right_after_one_broker_has_started(pipeline: Pipeline, site: Site, tmp_path: Path):
    before = {name: pod["metadata"]["uid"] for name, pod in pipeline.pods().items()}
    site.run(
        playbook="playbooks/load_test.yml", load_test_start="broker", load_test_report_folder=str(tmp_path), **LOAD
    ).must_succeed()
    after = {name: pod["metadata"]["uid"] for name, pod in pipeline.pods().items()}
    assert {name for name, uid in after.items() if uid != before.get(name)} == {"kafka-0"}
    figures = json.loads((tmp_path / "load_test-100-broker.json").read_text())
    assert figures["cold"]["events"] == figures["warm"]["events"] == 1000
    assert figures["exactly_once"]["kafka"] == {"sent": 2000, "lost": 0, "duplicates": 0}
    pipeline.verify()
