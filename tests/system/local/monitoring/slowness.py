# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What makes a pipeline slow that works: its disk, its network, its processors, and Java that begins."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cdc_pipeline.instance.processes import ProcessTable
from faults import Alert, Fault
from site_runs import COMES_BACK, Site
from waiting import until

# Writes a second that the disk takes, and bytes.
_WRITES, _BYTES = 20, 2**20
_GROUPS = Path("/sys/fs/cgroup/blkio")
# What all brokers together receive and send.
_RATE = "256kbit"
# For each processor.
_HOGS = 4
_STORES = ("postgresql", "kafka", "object-store")
_JAVA = ("kafka", "kafka-connect")
_CACHE = re.compile(r"(?<=^-XX:AOTCache=).*")


@contextmanager
def _slow_disk(site: Site) -> Iterator[None]:
    """Of the processes that keep data."""
    limits = {"write_iops_device": _WRITES, "write_bps_device": _BYTES}
    if not all((_GROUPS / f"blkio.throttle.{name}").exists() for name in limits):
        pytest.skip("this host cannot slow the disk down for some processes (cgroup v1, blkio)")
    group = _GROUPS / f"cdc-{site.name}"
    device = site.home.stat().st_dev
    group.mkdir()
    try:
        for name, limit in limits.items():
            (group / f"blkio.throttle.{name}").write_text(f"{os.major(device)}:{os.minor(device)} {limit}")
        processes = ProcessTable.read()
        for pid in _pids(site, *_STORES):
            for process in processes.family(pid):
                _move(process.pid, group)
        yield
    finally:
        while pids := (group / "cgroup.procs").read_text().split():
            for pid in pids:
                _move(int(pid), _GROUPS)
        group.rmdir()


def _move(pid: int, group: Path) -> None:
    # It may have ended.
    with contextlib.suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def _slow_network(site: Site) -> Iterator[None]:
    """To and from the brokers."""
    shown = subprocess.run(["tc", "qdisc", "show", "dev", "lo"], capture_output=True, text=True, check=True).stdout
    if not shown.startswith("qdisc noqueue"):
        pytest.skip(f"somebody else shapes the loopback device: {shown}")
    ports = [port for path in _replicas(site, "kafka") for port in json.loads(path.read_text())["ports"].values()]
    if subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb"], check=False).returncode:
        pytest.skip("this kernel cannot shape what a device sends (htb)")
    try:
        _tc("class", "parent 1: classid 1:1 htb rate", _RATE)
        for port in ports:
            for side in ("sport", "dport"):
                _tc("filter", f"parent 1: protocol ip u32 match ip {side} {port} 0xffff flowid", "1:1")
        yield
    finally:
        subprocess.run(["tc", "qdisc", "del", "dev", "lo", "root"], check=True)


def _tc(what: str, *words: str) -> None:
    subprocess.run(["tc", what, "add", "dev", "lo", *" ".join(words).split()], check=True)


@contextmanager
def _busy_processors(site: Site) -> Iterator[None]:
    count = _HOGS * (os.cpu_count() or 1)
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for hog in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


@contextmanager
def _cold_java(site: Site) -> Iterator[None]:
    """All brokers and workers end at once, and begin without the caches of linked classes."""
    before = {path: path.read_text() for path in _replicas(site, *_JAVA)}
    try:
        for path, text in before.items():
            replica = json.loads(text)
            command = [_CACHE.sub("/nonexistent", word) for word in replica["start"]["command"]]
            assert command != replica["start"]["command"], f"{path.stem} has no cache"
            path.write_text(json.dumps(replica | {"start": replica["start"] | {"command": command}}))
        ended = site.processes()
        for path in before:
            os.kill(ended[path.stem], signal.SIGKILL)
        until(
            site.processes,
            lambda now: all(now.get(path.stem, ended[path.stem]) != ended[path.stem] for path in before),
            2 * COMES_BACK,
            "they run again",
            pause=1,
        )
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def _replicas(site: Site, *workloads: str) -> list[Path]:
    """The file of each replica of these."""
    folder = site.home / "supervisor/replicas"
    return sorted(path for name in workloads for path in folder.glob(f"{name}-[0-9].json"))


def _pids(site: Site, *workloads: str) -> list[int]:
    running = site.processes()
    return [running[path.stem] for path in _replicas(site, *workloads)]


def _may_bring(*names: str) -> tuple[Alert, ...]:
    return tuple(Alert(name) for name in names)


_LATE = ("ChangesSlow", "ChangesLate", "ArchiveLate")
SLOW_DISK = Fault("slow disk", _slow_disk, besides=_may_bring(*_LATE, "ObjectStoreSlow"))
SLOW_NETWORK = Fault("slow network", _slow_network, besides=_may_bring(*_LATE, "PartitionsUnderReplicated"))
BUSY_PROCESSORS = Fault("busy processors", _busy_processors, besides=_may_bring(*_LATE))
COLD_JAVA = Fault("cold Java", _cold_java)
