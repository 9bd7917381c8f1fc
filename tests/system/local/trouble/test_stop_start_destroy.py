# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Stop, start and destroy do what they say, and data goes only where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from site_runs import Site
from waiting import until


def rows(site: Site) -> list[tuple]:
    with postgresql.connect(PostgresqlEndpoint(**site.endpoints()["postgresql"])) as connection:
        return connection.execute("SELECT * FROM public.users ORDER BY user_id").fetchall()


def objects(site: Site) -> dict[str, str | None]:
    """Every object of the archive, with what tells whether it is still the same."""
    return {each["path"]: each["e_tag"] for batch in site.context().store.list() for each in batch}


@pytest.mark.full
def test_what_stops_stays_stopped_and_what_goes_keeps_its_data(running: Site):
    # One that an earlier test has had restarted is only starting.
    processes = until(running.processes, lambda found: "archive-0" in found, 60, "the archive runs")
    users, archived = rows(running), objects(running)
    assert users and archived

    running.run(playbook="playbooks/stop.yml").must_succeed()
    assert [name for name, pid in processes.items() if Path(f"/proc/{pid}").exists()] == []
    running.run(playbook="playbooks/verify.yml").must_fail_with("is stopped", "make start")
    assert running.processes() == {}
    assert running.run(playbook="playbooks/stop.yml").must_succeed().changed == 0

    running.run(playbook="playbooks/start.yml").must_succeed()
    assert running.processes().keys() == processes.keys()
    assert running.run(playbook="playbooks/start.yml").must_succeed().changed == 0

    processes = running.processes()
    running.run(playbook="playbooks/destroy.yml").must_succeed()
    assert [name for name, pid in processes.items() if Path(f"/proc/{pid}").exists()] == []
    assert running.run(playbook="playbooks/destroy.yml").must_succeed().changed == 0
    running.run(playbook="playbooks/verify.yml").must_fail_with("is not set up", "make site")

    running.run().must_succeed()
    assert running.processes().keys() == processes.keys()
    assert rows(running) == users
    assert archived.items() <= objects(running).items()


def test_what_was_never_there_is_removed_without_a_trace(fresh: Site):
    assert fresh.run(playbook="playbooks/destroy.yml", destroy_data=True).must_succeed().changed == 0
    assert not fresh.home.exists()
