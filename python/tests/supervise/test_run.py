"""cdc-run becomes the process: same id, own environment, one at a time, and gone with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cdc_pipeline.supervise.replica import read_replica

SOURCE = Path(__file__).resolve().parents[2] / "src"
TOOL = [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"]


def command(path: Path, *arguments: str) -> list[str]:
    call = f"from cdc_pipeline.supervise.run import main; sys.exit(main({[str(path), *arguments]!r}))"
    return [*TOOL[:2], TOOL[2] + call]


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(path, *arguments), capture_output=True, text=True, timeout=60, check=False)


def test_becomes_the_command(write_replica, tmp_path):
    show = ["/bin/sh", "-c", 'echo "$$ $A $(pwd) $(umask)"; env | grep -c SECRET_OF_CALLER']
    path = write_replica(start={"command": show, "env": {"A": "b", "PATH": "/usr/bin:/bin"}})
    process = subprocess.Popen(
        command(path), stdout=subprocess.PIPE, text=True, env={**os.environ, "SECRET_OF_CALLER": "x"}
    )
    output, _ = process.communicate(timeout=30)
    pid, value, folder, mask = output.splitlines()[0].split()
    assert (int(pid), value, folder, mask) == (process.pid, "b", str(tmp_path), "0027")
    assert output.splitlines()[1] == "0", "the caller's environment does not leak"


def test_runs_a_step(write_replica):
    path = write_replica(steps={"format": ["/bin/echo", "formatted"]})
    assert run(path, "--step", "format").stdout == "formatted\n"
    assert "cannot start: 'fromat'" in run(path, "--step", "fromat").stderr


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"start": {"command": ["/no/such/program"]}}, 127, "cannot execute /no/such/program: No such file"),
        ({"start": {"command": ["/etc/passwd"]}}, 126, "cannot execute /etc/passwd: Permission denied"),
        ({"start": {"user": "no-such-user"}}, 78, "cannot start"),
        ({"start": {"cwd": "/no/such/folder"}}, 78, "cannot start web-0"),
    ],
)
def test_says_why_it_cannot(write_replica, changes, status, message):
    done = run(write_replica(**changes))
    assert (done.returncode, message in done.stderr) == (status, True), done.stderr


def test_a_damaged_file(tmp_path):
    for text in ("{", "{}"):
        (tmp_path / "x.json").write_text(text)
        assert run(tmp_path / "x.json").returncode == 78
    with pytest.raises(ValueError, match="does not describe a replica"):
        read_replica(tmp_path / "x.json")
    assert run(tmp_path / "none.json").returncode == 78


def test_waits_for_its_predecessor(write_replica, tmp_path):
    path = write_replica(start={"command": ["/bin/sleep", "1"]})
    first = subprocess.Popen(command(path))
    deadline = time.monotonic() + 20
    while not (tmp_path / "web-0.lock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second_path = write_replica(start={"command": ["/bin/echo", "second"]})
    started = time.monotonic()
    second = run(second_path)
    assert first.wait(30) == 0
    assert second.stdout == "second\n" and "has not ended yet" in second.stderr
    assert time.monotonic() - started > 0.3


def test_is_gone_with_its_parent(write_replica, tmp_path):
    note, ready = tmp_path / "stopped", tmp_path / "ready"
    trap = ["/bin/sh", "-c", f"trap 'echo asked > {note}; exit 0' INT; : > {ready}; while :; do sleep 0.1; done"]
    path = write_replica(start={"command": trap, "stop_signal": "INT"})
    # A parent of its own, so that it can be killed.
    code = f"import subprocess, time; subprocess.Popen({command(path)!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 20
    # A shell that has not set its trap yet would end without a word.
    while not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    while not note.exists():
        assert time.monotonic() < deadline, "it was not asked to stop"
        time.sleep(0.05)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_drops_to_its_user(write_replica, tmp_path):
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder != Path("/") and folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o001)
    done = run(write_replica(start={"user": "nobody", "command": ["/usr/bin/id"], "cwd": "/"}))
    assert "uid=65534(nobody)" in done.stdout and "root" not in done.stdout, done


def test_starts_fast(write_replica):
    path = write_replica()
    run(path)
    took = []
    for _ in range(5):
        started = time.monotonic()
        run(path)
        took.append(time.monotonic() - started)
    # 50 ms on a quiet machine; what would take long is a slow import, which a busy one makes far slower than this.
    assert min(took) < 0.8
