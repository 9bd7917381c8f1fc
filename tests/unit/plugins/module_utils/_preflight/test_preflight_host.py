# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._ports import Listener
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import host, storage
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.busy_ports import busy_ports
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.own_processes import own_processes
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError, Problem
from ansible_collections.cdc.pipeline.plugins.module_utils._run_lock import alive


def release(path: Path, text: str) -> Path:
    file = path / "os-release"
    file.write_text(text)
    return file


def test_debian_12_is_supported(tmp_path, monkeypatch):
    monkeypatch.setattr(host.platform, "machine", lambda: "x86_64")
    assert host.operating_system(release(tmp_path, 'ID=debian\nVERSION_ID="12"\n')) == ([], [])


def test_what_is_like_debian_gives_a_warning(tmp_path):
    problems, warnings = host.operating_system(
        release(tmp_path, 'ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24"\n')
    )
    assert problems == []
    assert "Ubuntu 24 is not tested; Debian 12 is" in warnings


def test_anything_else_is_refused(tmp_path):
    (problem,), _warnings = host.operating_system(release(tmp_path, "ID=fedora\nPRETTY_NAME=Fedora\n"))
    assert problem.found == "Fedora"


def test_an_unpublished_processor_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(host.platform, "machine", lambda: "riscv64")
    (problem,), _warnings = host.operating_system(release(tmp_path, 'ID=debian\nVERSION_ID="12"\n'))
    assert problem.found == "riscv64"


def test_rights():
    assert list(host.rights(0)) == []
    (problem,) = host.rights(1000)
    assert "1000" in problem.found
    assert "-K" in problem.remedy


def test_memory_counts_what_the_instance_holds_already(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  8388608 kB\nMemAvailable:  1048576 kB\n")
    (problem,) = host.memory(2048, 0, meminfo)
    assert problem.found == "1024 MiB available of 8192 MiB"
    assert list(host.memory(2048, 1024**3, meminfo)) == []


def test_a_clock_in_the_past(tmp_path):
    (problem,), _warnings = host.clock(tmp_path, now=0)
    assert problem.found.startswith("1970-01-01")
    (tmp_path / "supervisor").mkdir()
    assert host.clock(tmp_path) == ([], [])
    _problems, (warning,) = host.clock(tmp_path, now=time.time() - 3600)
    assert "behind" in warning


def test_room_on_one_file_system_is_summed(tmp_path):
    free = storage.shutil.disk_usage(tmp_path).free // 1024**2
    wanted = [
        storage.Wanted("cdc_home", tmp_path / "a/b", free // 2 + 100),
        storage.Wanted("cdc_cache", tmp_path, free // 2 + 100),
    ]
    (problem,) = storage.storage(wanted)
    assert "for cdc_home and cdc_cache" in problem.what
    assert list(storage.storage(wanted[:1])) == []


def test_an_instance_that_stands_needs_less(tmp_path):
    room = {"home": 3000, "kept": 500, "cache": 2000}
    assert [item.free_mib for item in storage.free_mib(room, tmp_path, tmp_path, True)] == [3000, 2000]
    (tmp_path / "supervisor").mkdir()
    assert [item.free_mib for item in storage.free_mib(room, tmp_path, tmp_path, False)] == [500, 0]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    (problem,) = storage.storage([storage.Wanted("cdc_home", tmp_path / "file" / "home", 1)])
    assert "is not a folder" in problem.what


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    (problem,) = storage.storage([storage.Wanted("cdc_home", tmp_path / "home", 1)])
    assert "cannot be written" in problem.what


PORTS = [{"port": 9092, "listener": "kafka-0 (client)"}, {"port": 19092, "listener": "kafka-0 (controller)"}]


def stranger(port):
    return Listener(port, 77, 77, "java -jar other.jar")


def test_ports_of_one_process_are_one_problem():
    (problem,) = busy_ports(PORTS, own=list, look=lambda ports: {port: [stranger(port)] for port in ports})
    assert problem.what == "Ports 9092, 19092, wanted by kafka-0, taken by another program"
    assert problem.found == "process 77: java -jar other.jar"
    assert "kill 77" in problem.remedy


def test_the_instances_own_listeners_are_no_problem():
    own = Listener(9092, 77, 77, "java")
    assert list(busy_ports(PORTS, own=lambda: [77], look=lambda ports: {9092: [own]})) == []


def test_a_listener_that_may_not_be_seen():
    hidden = Listener(9092, 0, 0, "")
    (problem,) = busy_ports(PORTS, own=list, look=lambda ports: {9092: [hidden]})
    assert "sudo ss" in problem.remedy


def test_who_is_gone_at_a_second_look_is_no_problem():
    looks = iter([{9092: [stranger(9092)], 19092: [stranger(19092)]}, {19092: [stranger(19092)]}])
    (problem,) = busy_ports(PORTS, own=list, look=lambda ports: next(looks))
    assert problem.what.startswith("Port 19092,")


def test_who_turns_out_to_be_the_instances_own_is_no_problem():
    owners = iter([[], [77]])
    assert list(busy_ports(PORTS, own=lambda: next(owners), look=lambda ports: {9092: [stranger(9092)]})) == []


def test_own_processes_by_folder_and_by_supervisor(tmp_path):
    home = tmp_path / "home"
    (home / "supervisor").mkdir(parents=True)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    inside = subprocess.Popen(sleep, cwd=home)
    by_option = subprocess.Popen([*sleep, f"--data={home}/kafka-0/data"])
    stranger = subprocess.Popen(sleep)
    try:
        found = own_processes(home)
        assert {inside.pid, by_option.pid} <= found.keys()
        assert stranger.pid not in found
        assert all(resident > 0 for resident in found.values())
        (home / "supervisor/supervisord.pid").write_text(f"{stranger.pid}\n")
        assert stranger.pid in own_processes(home)
        (home / "supervisor/supervisord.pid").unlink()
        forwarder = {"process": {"pid": stranger.pid, "start": alive(stranger.pid)}}
        (home / "port-forward.json").write_text(json.dumps(forwarder))
        assert stranger.pid in own_processes(home)
        (home / "port-forward.json").write_text(json.dumps({"process": {"pid": stranger.pid, "start": 1}}))
        assert stranger.pid not in own_processes(home), "another process has its number by now"
    finally:
        for process in (inside, by_option, stranger):
            process.kill()
            process.wait()


def test_the_error_lists_everything_with_remedies():
    error = PreflightError("this host", [Problem("a", "A is wrong", "1", "fix A"), Problem("b", "B is wrong")])
    assert error.message == (
        "2 problems with this host; nothing has been changed\n"
        "1. A is wrong\n  found:  1\n  remedy: fix A\n"
        "2. B is wrong"
    )
