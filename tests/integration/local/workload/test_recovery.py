# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Any process may be killed at any time, the ones that watch included: everything is back within a minute."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError


def back(lab, name, old):
    def condition():
        return lab.pids()[name] not in (0, old) and lab.answers(int(name[-1]))

    lab.until(condition, 60, f"{name} is back")


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_process_comes_back(lab):
    lab.realiser().start()
    lab.until(lambda: lab.supervisor.processes()["web-0"].state == "RUNNING", 20, "startsecs are over")
    old = lab.pids()["web-0"]
    os.kill(old, signal.SIGKILL)
    back(lab, "web-0", old)
    assert not lab.realiser().start().changed


def test_a_hung_process_is_restarted(lab):
    lab.realiser(replicas=1).start()
    # The liveness probe only counts once the readiness probe has passed in the prober's eyes.
    lab.until(lambda: lab.supervisor.processes()["web-0"].state == "RUNNING", 20, "startsecs are over")
    old = lab.pids()["web-0"]
    os.kill(old, signal.SIGSTOP)
    # The kernel accepts connections for a stopped process until its backlog is full.
    held = []
    for _attempt in range(300):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", lab.port))
        held.append(connection)
    back(lab, "web-0", old)
    for connection in held:
        connection.close()
    log = (lab.instance.logs / "cdc-prober.log").read_text()
    assert "web-0 hangs" in log


def test_a_killed_prober_comes_back(lab):
    old = lab.supervisor.processes()["cdc-prober"].pid
    os.kill(old, signal.SIGKILL)
    lab.until(lambda: lab.supervisor.processes()["cdc-prober"].pid not in (0, old), 30, "the prober is back")


def test_a_killed_supervisor_comes_back_with_everything(lab):
    lab.realiser().start()
    old, pids = lab.supervisor.pid(), lab.pids()
    os.kill(old, signal.SIGKILL)
    lab.until(lambda: lab.supervisor.pid() != old, 30, "supervisord is back")
    for name, pid in pids.items():
        back(lab, name, pid)
    # No process of before is left over beside its successor.
    assert not [pid for pid in pids.values() if lives(pid)]
    assert not lab.realiser().start().changed


def test_what_was_given_up_is_started_again(lab):
    lab.realiser(replicas=1).start()
    settings = lab.home / "web-0" / "config" / "settings.json"
    good = settings.read_text()
    settings.write_text('{"exit": 1}')
    os.kill(lab.pids()["web-0"], signal.SIGKILL)
    lab.until(lambda: lab.supervisor.processes()["web-0"].state == "FATAL", 60, "supervisord gives up")
    settings.write_text(good)
    lab.until(lab.answers, 45, "the prober starts it again")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes control groups")
def test_a_process_over_its_memory_limit_is_named(lab):
    lab.spec["resources"] = {"memory": {"limit": "48Mi"}}
    lab.realiser(replicas=1).start()
    limit = f"/sys/fs/cgroup/memory/cdc-pipeline/{lab.instance.name}/web-0/memory.limit_in_bytes"
    modern = f"/sys/fs/cgroup/cdc-pipeline/{lab.instance.name}/web-0/memory.max"
    if not (Path(limit).exists() or Path(modern).exists()):
        pytest.skip("no memory controller here")
    lab.spec["files"]["settings.json"] = {"eat": 200 * 2**20}
    with pytest.raises(FailedError, match="the kernel killed it at its memory limit of 48 MiB"):
        lab.realiser(replicas=1).start()
    lab.spec["files"]["settings.json"] = {}
    assert lab.realiser(replicas=1).start().started or lab.answers()


def test_a_run_that_is_killed_anywhere_is_mended_by_the_next(lab):
    """Each round changes the configuration and is killed at another moment; the last one is left in peace."""
    lab.spec["init"] = [{"name": "make", "command": ["/usr/bin/touch", "@{data}/made"], "creates": "@{data}/made"}]
    for round_number, delay in enumerate((0.02, 0.1, 0.3, 0.7, 1.2, 1.7, 2.4)):
        lab.spec["files"]["settings.json"] = {"greeting": f"round {round_number}"}
        child = os.fork()
        if child == 0:
            try:
                lab.realiser().start()
            finally:
                os._exit(0)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    lab.realiser().start()
    assert not lab.realiser().start().changed
    for ordinal in range(3):
        assert (lab.home / f"web-{ordinal}" / "data" / "made").exists()
        with socket.create_connection(("127.0.0.1", lab.port + ordinal), 5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while part := connection.recv(1000):
                answer += part
        assert b"round 6" in answer, "it runs with the last configuration"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_full_disk_is_named_and_survived(lab):
    lab.realiser(replicas=1).start()
    config = lab.home / "web-0" / "config"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", config], check=False)
    if mounted.returncode != 0:
        pytest.skip("cannot mount here")
    try:
        lab.spec["files"]["peers.txt"] = "x" * 200_000
        with pytest.raises(FailedError) as caught:
            lab.realiser(replicas=1).start()
        assert "No space left on device" in caught.value.message and "free space" in caught.value.message
    finally:
        subprocess.run(["umount", config], check=True)
    lab.realiser(replicas=1).start()
    assert (config / "peers.txt").stat().st_size == 200_000 and lab.answers()
