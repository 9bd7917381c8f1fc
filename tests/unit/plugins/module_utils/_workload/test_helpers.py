# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Causes in logs, masked secrets, listening ports, tables, and the lock of a run."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Disk, Folder, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError, RefusedError
from ansible_collections.cdc.pipeline.plugins.module_utils._ports import listeners
from ansible_collections.cdc.pipeline.plugins.module_utils._run_lock import Run, find_run, take
from ansible_collections.cdc.pipeline.plugins.module_utils._table import table
from ansible_collections.cdc.pipeline.plugins.module_utils._workload import diagnosis


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("java.net.BindException: Address already in use", "a port it needs is taken"),
        ("write failed: No space left on device", "the disk is full"),
        ("java.lang.OutOfMemoryError: Java heap space", "it ran out of memory"),
        ("FATAL:  password authentication failed for user", "its credentials were refused"),
        (
            "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed",
            "Kafka does not let it in",
        ),
        (
            "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [a]",
            "it may not do in Kafka what it has to",
        ),
        (
            "java.security.cert.CertificateExpiredException: NotAfter: Thu Nov 26 09:00:00 UTC 2026",
            "a certificate is not to be trusted, or has expired",
        ),
        ("cdc-run: cannot execute /x/java: No such file or directory", "a file it needs is missing"),
        ("org.apache.kafka.common.config.ConfigException: Invalid value", "it refuses its configuration"),
    ],
)
def test_causes(line, cause):
    assert diagnosis.recognise(f"all is well\n{line}\nbye").what == cause


def test_the_last_cause_counts():
    text = "Connection refused, trying again\nNo space left on device\n"
    assert diagnosis.recognise(text).what == "the disk is full"
    assert diagnosis.recognise("ready") is None


def test_masks_whole_secrets_and_values_in_them():
    contents = [
        "db.password=geheim-1\ndb.user=somebody\n",
        '{"secretKey": "geheim-22", "role": "reader"}',
        "plain-one\n",
    ]
    assert diagnosis.Masker(contents)("geheim-1 geheim-22 plain-one somebody reader") == (
        "******** ******** ******** somebody reader"
    )


def test_the_tail_begins_at_an_offset_and_survives_rotation(tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    start = diagnosis.size(log)
    with log.open("a") as stream:
        stream.write("new\n")
    assert diagnosis.tail(log, start) == "new\n"
    log.write_text("x")
    assert diagnosis.tail(log, start) == "x"
    assert diagnosis.tail(tmp_path / "none") == "" and diagnosis.size(tmp_path / "none") == 0


def test_listeners_name_the_process():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        found = listeners([port])
        assert found[port][0].pid == os.getpid() and str(os.getpid()) in str(found[port][0])
    assert listeners([port]) == {}


def test_a_file_that_is_closed_while_proc_is_read_hides_no_listener(monkeypatch):
    readlink = os.readlink

    def closes_the_first(path, **_options):
        if path == f"/proc/{os.getpid()}/fd/0":
            raise FileNotFoundError(path)
        return readlink(path)

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(os, "readlink", closes_the_first)
        port = server.getsockname()[1]
        assert listeners([port])[port][0].pid == os.getpid()


def test_tables():
    rows = [{"name": "a", "ok": True, "n": 1.25}, {"name": "long name", "ok": False, "n": 10}]
    assert table(rows).splitlines() == ["NAME       OK     N", "a          yes  1.2", "long name  no    10"]
    assert table(rows, ["n"]).splitlines()[0] == "  N"
    assert table([]) == ""


def test_files_are_replaced_whole_and_mended(tmp_path):
    disk = Disk(root=False)
    target = Target(tmp_path / "a" / "f", "one\n", 0o640)
    assert disk.differs(target).before is None
    disk.write(target)
    assert disk.differs(target) is None and (tmp_path / "a" / "f").stat().st_mode & 0o777 == 0o640
    (tmp_path / "a" / "f").chmod(0o666)
    assert "mode=0666" in disk.differs(target).shown()["before"]
    disk.write(target)
    assert disk.differs(target) is None
    assert disk.differs(Target(tmp_path / "a" / "f", "two\n", 0o640)).shown()["after"] == "two\n"
    assert [path.name for path in disk.strangers(tmp_path / "a", {target.path})] == []
    disk.remove(target.path)
    disk.remove(target.path)


def test_folders_can_be_reached_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        Disk(root=False).make_folder(Folder(tmp_path / "a" / "b", 0o750, None, None))
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o750


def test_a_folder_is_there_with_its_owner_or_not_at_all(tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "chown", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Disk(root=True).make_folder(Folder(tmp_path / "data", 0o750, None, None, owned=False))
    assert not list(tmp_path.iterdir())


def test_something_in_the_way_is_named(tmp_path):
    disk = Disk(root=False)
    (tmp_path / "f").write_text("")
    with pytest.raises(FailedError, match="is in the way of a folder"):
        disk.make_folder(Folder(tmp_path / "f", 0o750, None, None))
    (tmp_path / "d").mkdir()
    with pytest.raises(FailedError, match="is a folder, but has to be a file"):
        disk.write(Target(tmp_path / "d", "", 0o600))


def test_a_full_disk_is_named():
    with pytest.raises(FailedError) as caught:
        Disk(root=False).write(Target(Path("/dev/full/x"), "", 0o600))
    assert "Cannot write" in caught.value.message


def stat(pid, parent, start, state="S"):
    fields = [state, str(parent)] + ["0"] * 17 + [str(start)]
    return f"{pid} (a (weird) name) {' '.join(fields)} 0 0"


@pytest.fixture
def proc(tmp_path):
    """A /proc with a shell, an outer and an inner ansible-playbook, and a module."""
    for pid, parent, words in (
        (2, 1, ["bash"]),
        (3, 2, ["/usr/bin/python3", "/usr/bin/ansible-playbook", "site.yml"]),
        (4, 3, ["python3", "/x/ansible-playbook", "inner.yml"]),
        (5, 4, ["python3", "module.py"]),
    ):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(stat(pid, parent, 100 + pid))
        (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
    return tmp_path


def test_finds_the_outermost_run(proc):
    assert find_run(5, proc) == Run(3, 103, "/usr/bin/python3 /usr/bin/ansible-playbook site.yml")
    assert find_run(2, proc) is None


def test_the_lock_keeps_a_second_run_out(proc, tmp_path):
    path = tmp_path / "locks" / "run.lock"
    first, second = Run(3, 103, "first"), Run(4, 104, "second")
    take(path, first, "x", dry=True, proc=proc)
    assert not path.exists()
    take(path, first, "x", proc=proc)
    take(path, first, "x", proc=proc)
    for dry in (True, False):
        with pytest.raises(RefusedError) as caught:
            take(path, second, "the instance x", dry=dry, proc=proc)
        assert "Another run is at work on the instance x" in caught.value.message
        assert "process 3 since 2" in caught.value.message and ": first" in caught.value.message
    # The first has ended; another process may have got its id.
    (proc / "3" / "stat").write_text(stat(3, 2, 999))
    take(path, second, "x", proc=proc)
    assert json.loads(path.read_text())["pid"] == 4


def test_a_damaged_lock_is_taken_over(proc, tmp_path):
    path = tmp_path / "run.lock"
    path.write_text("{half")
    take(path, Run(4, 104, "x"), "x", proc=proc)
    assert json.loads(path.read_text())["pid"] == 4
