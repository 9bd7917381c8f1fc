# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module supervised_instance without a supervisor. With one: tests/integration/local/workload."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

PACKAGE = "ansible_collections.cdc.pipeline.plugins.module_utils"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A supervisor that comes and goes, systemd units in a folder, and no root."""
    host = importlib.import_module(f"{PACKAGE}._workload.local.host")
    disk = importlib.import_module(f"{PACKAGE}._disk")
    calls = []
    python = "/cache/python/bin/python"
    state = SimpleNamespace(runs=False, calls=calls, units=tmp_path / "units", home=tmp_path / "home", python=python)
    state.units.mkdir()

    class Supervisor:
        def __init__(self, path):
            pass

        def answers(self):
            return state.runs

        def pid(self):
            return 1

        def signal(self, name, number):
            calls.append(f"signal {name} {number}")

        def stop_all(self, patience):
            calls.append("stop_all")

        def shutdown(self, seconds):
            calls.append("shutdown")
            state.runs = False

    def call(self, command, *args, **kwargs):
        calls.append(" ".join(command[:2]).replace(str(tmp_path), ""))
        if "supervisord" in command[0] or command[1:2] == ["start"]:
            state.runs = True
        if command[1:2] == ["stop"]:
            state.runs = False

    monkeypatch.setattr(host, "Supervisor", Supervisor)
    monkeypatch.setattr(host, "interpreter", lambda _pid: state.python)
    monkeypatch.setattr(host, "UNITS", state.units)
    monkeypatch.setattr(host, "Disk", lambda: disk.Disk(root=False))
    monkeypatch.setattr(host.Host, "_call", call)
    monkeypatch.setattr(host.Host, "_unit_active", lambda self: state.runs)
    return state


@pytest.fixture
def run(run_module, world):
    def call(check=False, systemd=False, python="/cache/python/bin/python", services="/cache/services", **options):
        instance = {"name": "test", "home": str(world.home)}
        if python:
            instance.update(python=python, services=services)
        return run_module("supervised_instance", check=check, instance=instance, systemd=systemd, **options)

    return call


def test_sets_up_and_starts_once(run, world):
    dry = run(check=True)
    assert dry["actions"] == ["configured", "started supervisord"] and not world.home.exists()
    real = run()
    assert real["actions"] == dry["actions"] and real["diff"] == dry["diff"]
    assert world.calls == ["/home/supervisor/tools/supervisord --configuration"]
    again = run()
    assert not again["changed"] and again["actions"] == []


def test_new_tools_reach_the_prober_without_a_restart(run, world):
    run()
    world.calls.clear()
    assert run(services="/cache/services-2")["actions"] == ["configured"]
    assert world.calls == ["signal cdc-prober TERM"]


def test_another_python_replaces_the_supervisor(run, world):
    run()
    world.calls.clear()
    other = "/cache/python-2/bin/python"
    assert run(python=other, check=True)["actions"] == ["configured", "restarted supervisord"]
    assert run(python=other)["actions"] == ["configured", "restarted supervisord"]
    tools = "/home/supervisor/tools"
    assert world.calls == [f"{tools}/cdc-stop --socket", "shutdown", f"{tools}/supervisord --configuration"]
    world.python = other
    assert not run(python=other)["changed"]
    # Interrupted after the tools were written, and before the supervisor was replaced.
    world.python = "/cache/python/bin/python"
    assert run(python=other)["actions"] == ["restarted supervisord"]


def test_a_changed_configuration_restarts(run, world):
    run()
    (world.home / "supervisor" / "supervisord.conf").write_text("edited")
    world.calls.clear()
    assert "restarted supervisord" in run()["actions"]
    tools = "/home/supervisor/tools"
    assert world.calls == [f"{tools}/cdc-stop --socket", "shutdown", f"{tools}/supervisord --configuration"]


def test_systemd(run, world):
    run(systemd=True)
    assert world.calls == ["systemctl daemon-reload", "systemctl enable", "systemctl start"]
    unit = (world.units / "cdc-pipeline-test.service").read_text()
    assert "Restart=always" in unit
    # systemd ends in order, too.
    assert f"ExecStop={world.home}/supervisor/tools/cdc-stop --socket " in unit
    world.calls.clear()
    assert run(systemd=True, state="stopped")["changed"] and world.calls == ["systemctl stop"]
    assert not run(systemd=True, state="stopped")["changed"]
    assert "removed the systemd unit" in run(systemd=True, state="absent")["actions"]
    assert not list(world.units.iterdir())


def test_start_alone_needs_a_setup(run, world):
    with pytest.raises(Exception, match="The instance test is not set up on this host"):
        run(python=None)
    run()
    world.runs = False
    assert run(python=None)["actions"] == ["started supervisord"]


def test_absent_keeps_data_unless_purged(run, world):
    run()
    data = world.home / "web-0" / "data"
    data.mkdir(parents=True)
    (world.home / "web-0" / "secrets").mkdir()
    assert run(check=True, state="absent")["changed"] and world.runs
    run(state="absent")
    assert data.exists() and not (world.home / "web-0" / "secrets").exists() and not world.runs
    assert not run(state="absent")["changed"] and "stop_all" not in world.calls
    run()
    run(state="absent", purge_data=True)
    assert not world.home.exists() and world.calls[-2:] == ["stop_all", "shutdown"]


def test_a_disk_that_is_mounted_as_the_home_is_emptied_and_stays(run, world, monkeypatch):
    run()
    monkeypatch.setattr(Path, "is_mount", lambda path: path == world.home)
    (world.home / "web-0" / "data").mkdir(parents=True)
    run(state="absent", purge_data=True)
    assert list(world.home.iterdir()) == []
    assert not run(state="absent", purge_data=True)["changed"]


def test_a_blank_in_the_home_is_refused(run_module):
    with pytest.raises(Exception, match="'/a b' has a blank in it"):
        run_module("supervised_instance", instance={"name": "x", "home": "/a b"})
