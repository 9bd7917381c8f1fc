# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Security is turned off and on for a pipeline that has data: each change that is made meanwhile arrives once."""

from __future__ import annotations

import pytest
from flow import flowing
from pipeline import Pipeline
from site_runs import Site

# All brokers stop and start, and every other pod is replaced.
SECONDS = 1800
SETTLES_SECONDS = 300


@pytest.mark.full
@pytest.mark.timeout(3 * SECONDS)
def test_security_is_turned_off_and_on(pipeline: Pipeline, site: Site):
    with flowing(pipeline.context()) as changes:
        site.run("--skip-tags", "verify", timeout=SECONDS, cdc_security=False).must_succeed()
        plain = pipeline.again()
        plain.settled(SETTLES_SECONDS)
        assert site.endpoints()["kafka_connect"]["url"].startswith("http://")
        changes.moved(plain.context())

        turned_on = site.run("--skip-tags", "verify", timeout=SECONDS).must_succeed()
        assert "Create the users before signing in is required" in turned_on.output
        secured = pipeline.again()
        secured.settled(SETTLES_SECONDS)
        assert site.endpoints()["kafka_connect"]["url"].startswith("https://")
        changes.moved(secured.context())
        changes.arrived()
    assert site.run(timeout=SECONDS).must_succeed().changed == 0
