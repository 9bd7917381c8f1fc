# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""playbooks/migrate.yml, refused, interrupted and run again: what arrives in the cluster is what was on the host."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_runs import ROOT, Site
from waiting import while_it_runs

HOMES = Path("/var/lib/cdc-pipeline")
MIGRATE = "playbooks/migrate.yml"
# The same is proved on both runtimes, but for these; docs/runtimes.md says why.
LOCAL_ONLY = {"preflight.disk", "connectors.restarts_live", "connectors.restarts_ready"}
# Before the volumes are all there, on any machine.
INTERRUPTED_AFTER = 5.0


@pytest.fixture(scope="module")
def host() -> Iterator[Site]:
    """A pipeline on this host, with changes in it."""
    site = Site("moving-from", 2600, HOMES / "moving-from")
    site.run().must_succeed()
    load = {"load_test_rate": 500, "load_test_seconds": 10, "load_test_warmup_seconds": 2}
    site.run(playbook="playbooks/load_test.yml", load_test_report_folder=str(site.home), **load).must_succeed()
    yield site
    site.remove()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Site]:
    """Where it goes."""
    if not os.environ.get("CDC_VARIABLES"):
        pytest.skip("CDC_VARIABLES names no variables of a kind cluster")
    options = [f"--inventory={ROOT}/inventories/kind"]
    options.append(f"--extra-vars=@{Path(os.environ['CDC_VARIABLES']).resolve()}")
    site = Site("moving-to", 2300, HOMES / "moving-to", options=tuple(options))
    yield site
    site.remove()


def users(site: Site) -> list[tuple]:
    """Rows of a table that the load left alone."""
    from cdc_pipeline.clients import postgresql
    from cdc_pipeline.endpoints import PostgresqlEndpoint

    with postgresql.connect(PostgresqlEndpoint(**site.endpoints()["postgresql"])) as connection:
        return connection.execute("SELECT * FROM public.users ORDER BY user_id").fetchall()


def proved(site: Site) -> set[str]:
    """Ids of the checks that its last verification found true; it found none false."""
    report = json.loads((site.home / "verify-report.json").read_text())
    assert not [check["id"] for check in report if not check["ok"]]
    return {check["id"] for check in report}


def test_a_pipeline_moves_and_nothing_is_lost_or_doubled(host: Site, cluster: Site):
    before, checks = users(host), proved(host)
    own = {"migrate_from_instance": host.name}
    refused = cluster.run(playbook=MIGRATE, **own).must_fail_with("nothing has been changed", "kafka_cluster_id:")
    (identity,) = set(re.findall(r"kafka_cluster_id: ([\w-]{22})", refused.output))
    own["kafka_cluster_id"] = identity
    assert "kafka-0" in host.processes(), "a move that is refused leaves everything running"

    record = cluster.home / "move/before.json"
    run = cluster.start(playbook=MIGRATE, **own)
    while_it_runs(run, record.exists, 900, "the move begins")
    time.sleep(INTERRUPTED_AFTER)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=120)
    assert not (cluster.home / "move/done").exists()

    begin = time.monotonic()
    cluster.run(playbook=MIGRATE, timeout=1800, **own).must_succeed()
    print(f"moved after {time.monotonic() - begin:.0f} s more")
    assert users(cluster) == before
    assert checks - proved(cluster) == LOCAL_ONLY
    known = json.loads(record.read_text())
    assert known, "what the pipeline knew was written down"
    assert not (host.home / "supervisor/supervisord.conf").exists() and (host.home / "postgresql-0/data").exists()

    cluster.run(playbook=MIGRATE, **own).must_fail_with("has already been migrated")
    # From now on it is site.yml that keeps it, with the variable that the move asked for.
    again = cluster.run(kafka_cluster_id=identity).must_succeed()
    assert again.changed == 0, again.output[-4000:]
