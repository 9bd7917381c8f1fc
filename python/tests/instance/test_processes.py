"""Processes as /proc shows them: a made-up one, and this one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from cdc_pipeline.instance.processes import ProcessTable, memory_of

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def make(root: Path, pid: int, parent: int, name: str, pages: int, ticks: int, pss: int | None = None) -> None:
    folder = root / str(pid)
    (folder / "fd").mkdir(parents=True)
    fields = ["S", str(parent)] + ["0"] * 9 + [str(ticks), "1", "2", "3"] + ["0"] * 6 + [str(pages)] + ["0"] * 5
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    (folder / "cmdline").write_bytes(b"java\0-Xmx1g\0")
    if pss is not None:
        (folder / "smaps_rollup").write_text(f"head\nRss: 1 kB\nPss: {pss} kB\n")


def test_a_family_counts_shared_memory_once(tmp_path: Path) -> None:
    make(tmp_path, 10, 1, "postgres", 100, 7, pss=200)
    make(tmp_path, 11, 10, "odd ) name (", 100, 0, pss=50)
    make(tmp_path, 12, 11, "deep", 100, 0, pss=None)
    make(tmp_path, 20, 1, "other", 3, 0)
    (tmp_path / "self").mkdir()
    table = ProcessTable.read(tmp_path)
    assert {process.pid for process in table.family(10)} == {10, 11, 12}
    assert memory_of(table, 10) == 250 * 1024 + 100 * PAGE
    assert memory_of(table, 20) == 3 * PAGE
    assert table.by_pid[10].cpu == (7 + 1 + 2 + 3) / TICKS
    assert table.by_pid[10].command == ("java", "-Xmx1g")


def test_the_eldest_holder_of_a_port_is_found(tmp_path: Path) -> None:
    make(tmp_path, 30, 1, "master", 1, 0)
    make(tmp_path, 31, 30, "child", 1, 0)
    for pid in (30, 31):
        (tmp_path / str(pid) / "fd" / "3").symlink_to("socket:[4242]")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st\n"
        "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n"
        "   1: 0100007F:1539 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4243 1\n"
    )
    found = ProcessTable.read(tmp_path).listening([5432, 5433])
    assert {port: process.pid for port, process in found.items()} == {5432: 30}


def test_this_process_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        table = ProcessTable.read()
        assert table.listening([port])[port].pid == os.getpid()
        assert memory_of(table, os.getpid()) > 1024 * 1024
