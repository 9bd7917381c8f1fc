# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The logs of one component, as `make logs COMPONENT=...` shows them."""

from __future__ import annotations

import re
import subprocess

from components import RUNNING
from site_runs import ROOT, Run, Site


def make_logs(site: Site, component: str) -> Run:
    variables = f"-e cdc_instance={site.name} -e cdc_home={site.home}"
    done = subprocess.run(
        ["make", "logs", f"COMPONENT={component}", f"ARGS={variables}"],
        cwd=ROOT,
        env=site.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def shown(site: Site, run: Run) -> set[str]:
    """The processes whose logs a run has shown."""
    return set(re.findall(rf"^==> (\S+) \({site.home}/log/", run.output, re.MULTILINE))


def test_only_the_logs_of_the_component_are_shown(running: Site):
    every = shown(running, make_logs(running, "").must_succeed())
    assert {f"{name}-0" for names in RUNNING.values() for name in names} < every
    assert shown(running, make_logs(running, "kafka").must_succeed()) == {"kafka-0", "kafka-1", "kafka-2"}
    assert shown(running, make_logs(running, "kafka_connect").must_succeed()) == {"kafka-connect-0"}


def test_a_component_that_does_not_exist_is_refused(running: Site):
    run = make_logs(running, "kafak")
    run.must_fail_with("There is no component 'kafak'", *(name for names in RUNNING.values() for name in names))
