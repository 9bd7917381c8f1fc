# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Processes that are killed and runs that are interrupted: all comes back, and no data is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from components import RUNNING
from flow import Flow, flowing
from site_runs import COMES_BACK, Site
from waiting import until

NAMES = sorted([*(f"{name}-0" for names in RUNNING.values() for name in names), "kafka-1", "kafka-2"])


def test_a_killed_archive_comes_back(running: Site, flow: Flow):
    running.kill("archive-0")
    flow.arrived()
    running.recovers()


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_any_killed_process_comes_back(running: Site, flow: Flow, name: str):
    running.kill(name)
    flow.arrived()
    running.recovers()


@pytest.mark.full
def test_kafka_connect_is_up_before_the_registry(running: Site, flow: Flow):
    """As after a reboot: its first record ends the connector's task, since no schema can be had."""
    log = running.home / "log/connectors-0.log"
    before = log.stat().st_size
    old = running.processes()
    for name in ("schema-registry-0", "kafka-connect-0"):
        os.kill(old[name], signal.SIGKILL)
    killed = old["schema-registry-0"]
    new = until(
        running.processes,
        lambda found: found.get("schema-registry-0", killed) != killed,
        COMES_BACK,
        "the registry is started again",
    )
    # Before it listens.
    os.kill(new["schema-registry-0"], signal.SIGSTOP)
    try:
        until(lambda: '"failed"' in log.read_text()[before:], bool, COMES_BACK, "a task has failed")
    finally:
        os.kill(new["schema-registry-0"], signal.SIGCONT)
    flow.arrived()
    running.recovers()
    assert '"restarted"' in log.read_text()[before:]


def ends(run: subprocess.Popen[str]) -> None:
    """Waits for a run, which may fail."""
    try:
        run.communicate(timeout=600)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


@pytest.mark.full
@pytest.mark.parametrize("name", ["archive-0", "kafka-1", "kafka-connect-0", "postgresql-0"])
def test_a_process_killed_during_a_run(running: Site, flow: Flow, name: str):
    pid = running.processes()[name]
    run = running.start()
    time.sleep(8)
    os.kill(pid, signal.SIGKILL)
    ends(run)
    running.run().must_succeed()
    flow.arrived()


@pytest.mark.full
@pytest.mark.parametrize("name", ["kafka-1", "kafka-connect-0", "postgresql-0"])
def test_a_process_killed_as_soon_as_the_first_run_has_it(fresh: Site, name: str):
    run = fresh.start()
    try:
        pid = until(fresh.processes, lambda now: name in now, 300, f"{name} runs")[name]
        os.kill(pid, signal.SIGKILL)
    finally:
        ends(run)
    fresh.run().must_succeed()
    with flowing(fresh.context()) as flow:
        flow.arrived()


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
@pytest.mark.parametrize("seconds", [20, 60])
def test_a_first_run_that_is_interrupted_goes_on(fresh: Site, how: signal.Signals, seconds: int):
    run = fresh.start()
    time.sleep(seconds)
    os.killpg(run.pid, how)
    run.communicate(timeout=60)
    fresh.run().must_succeed()
    again = fresh.run().must_succeed()
    assert again.changed == 0


@pytest.mark.full
def test_a_disk_that_fills_up_while_all_runs(fresh: Site):
    """What cannot be written is waited for; with room again all goes on."""
    fresh.home.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=3g", "cdc-small-disk", str(fresh.home)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    filler = fresh.home / "filler"
    try:
        small = {"preflight_home_free_mib": 500, "preflight_home_kept_free_mib": 100}
        fresh.run(**small).must_succeed()
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 2**20)
            except OSError:
                pass
        run = fresh.run(**small)
        run.must_fail_with("MiB of disk are needed for cdc_home")
        time.sleep(20)
        filler.unlink()
        fresh.run(**small).must_succeed()
    finally:
        filler.unlink(missing_ok=True)
        fresh.run(playbook="playbooks/destroy.yml", destroy_data=True)
        subprocess.run(["umount", "--lazy", str(fresh.home)], check=True)
