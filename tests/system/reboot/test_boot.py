# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where systemd runs, the pipeline comes back by itself: after a reboot, a power cut, and a kill of its supervisor.

The tests build on each other's machine and run in the order in which they stand here.
"""

from __future__ import annotations

import re

import pytest
from machine import UNIT, Machine

pytestmark = pytest.mark.boot

LOG = "/var/lib/cdc-pipeline/local/log/supervisord.log"
# The slowest to end are three Java servers, PostgreSQL and the object store, one after the other.
STOPS_WITHIN = 150


def ends(machine: Machine) -> dict[str, str]:
    """How each process ended the last time: its exit status or signal, by name."""
    text = machine.must("cat", LOG, user="root")
    return dict(re.findall(r"stopped: (\S+) \((.*?)\)", text.rpartition("supervisord started with pid")[2]))


def only_the_last_broker_was_killed(found: dict[str, str]) -> bool:
    """Brokers stop together, and the last has nobody left who would let it go in order."""
    killed = [name for name, how in found.items() if "SIGKILL" in how]
    return len(killed) <= 1 and all(name.startswith("kafka-") and name[6:].isdigit() for name in killed)


def ended_well(machine: Machine) -> None:
    """All ended by themselves but perhaps one broker, and systemd saw no failure."""
    found = ends(machine)
    assert len(found) == 10, found
    assert only_the_last_broker_was_killed(found), found
    assert found["postgresql-0"] == "exit status 0", found
    journal = machine.must("journalctl", "--no-pager", "--unit", UNIT, user="root")
    assert "timed out" not in journal, journal[-3000:]


def test_it_starts_at_boot_and_is_bounded(machine: Machine):
    assert machine.must("systemctl", "is-enabled", UNIT, user="root").strip() == "enabled"
    assert machine.unit("ActiveState") == "active"
    # Version 1 or 2 of control groups, as this host's kernel has them.
    bounds = "grep -H . /sys/fs/cgroup/memory/cdc-pipeline/local/*/memory.limit_in_bytes || \
              grep -H . /sys/fs/cgroup/cdc-pipeline/local/*/memory.max"
    found = machine.run("sh", "-c", bounds, user="root").stdout
    if "kafka-0" not in found:
        pytest.skip(f"this host bounds no memory in a container: {found}")
    assert len(re.findall(r":\d{8,10}$", found, re.MULTILINE)) == 9, found


def test_systemd_stops_and_starts_it(machine: Machine):
    begin = float(machine.must("cut", "-d ", "-f1", "/proc/uptime", user="root"))
    machine.must("systemctl", "stop", UNIT, user="root")
    seconds = float(machine.must("cut", "-d ", "-f1", "/proc/uptime", user="root")) - begin
    print(f"stop: {seconds:.0f} s")
    assert machine.unit("Result") == "success" and seconds < STOPS_WITHIN
    assert machine.run("pgrep", "--uid", "cdc", user="root").stdout == ""
    ended_well(machine)
    machine.must("systemctl", "start", UNIT, user="root")
    print(f"start: green after {machine.proves():.0f} s")


def test_a_killed_supervisor_is_brought_back(machine: Machine):
    before = machine.unit("MainPID")
    machine.must("kill", "-KILL", before, user="root")
    print(f"kill: green after {machine.proves():.0f} s")
    assert machine.unit("MainPID") not in ("0", before)
    assert machine.unit("NRestarts") == "1"


def test_a_reboot(machine: Machine):
    seconds = machine.reboot()
    print(f"shutdown: {seconds:.0f} s")
    assert seconds < STOPS_WITHIN
    text = machine.must("cat", LOG, user="root").rpartition("supervisord started with pid")[0]
    how = dict(re.findall(r"stopped: (\S+) \((.*?)\)", text.rpartition("supervisord started with pid")[2]))
    assert len(how) == 10 and only_the_last_broker_was_killed(how), how
    print(f"reboot: green after {machine.proves():.0f} s")


def test_a_power_cut(machine: Machine):
    machine.cut_power()
    print(f"power cut: green after {machine.proves():.0f} s")


def test_nothing_of_it_stays(machine: Machine):
    machine.must("make", "destroy", "ARGS=-e destroy_data=true")
    assert machine.run("systemctl", "cat", UNIT, user="root").returncode != 0
    assert machine.run("ls", "/var/lib/cdc-pipeline/local", user="root").returncode != 0
    machine.reboot()
    assert machine.run("pgrep", "--uid", "cdc", user="root").stdout == ""
