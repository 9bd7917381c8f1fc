# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A training is begun where it can succeed, once, and ends with its instance."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils import _java_cache
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import (
    fits,
    names_of,
    read_certificates,
    read_key,
    signed_by,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._java_cache import Host, unfit
from waiting import until

# Stands for cdc-train: holds the lock as it does, makes the caches when it is told to, and ends on SIGTERM.
TOOL = """#!/usr/bin/env python3
import fcntl, json, os, pathlib, signal, sys, time
assert sys.argv[1:] == ["--plan", "-"]
text = sys.stdin.read()
plan = json.loads(text)
cache = pathlib.Path(plan["cache"])
(cache / "plan-seen").write_text(text)
if (cache / "busy").exists():
    (cache / "busy").unlink()
    sys.exit(3)
if (cache / "fail").exists():
    pathlib.Path(plan["programs"]["kafka"]["cache"]).mkdir()
    print("first\\nthe disk is full\\n  a line of a server's log")
    sys.exit(1)
lock = open(cache / ".training.lock", "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
waits = {"waits": True} if plan["background"] else {}
print(json.dumps({"pid": os.getpid(), "home": plan["home"], **waits}), file=lock, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
while not (cache / "go").exists():
    time.sleep(0.02)
for program in plan["programs"].values():
    pathlib.Path(program["cache"]).mkdir(exist_ok=True)
"""
ROOMY = Host(memory=64 << 30, disk=64 << 30, postgresql=True)


@pytest.fixture
def options(tmp_path, monkeypatch):
    """Options of the module; the training that they begin is ended after the test."""
    cache = tmp_path / "cache"
    cache.mkdir()
    tool = tmp_path / "cdc-train"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    monkeypatch.setattr(_java_cache, "look", lambda *_: ROOMY)
    names = ("kafka", "connect", "schema_registry")
    yield {
        "programs": {
            name: {
                "class_path": f"/{name}/class-path.jar",
                "options": ["-XX:+UseG1GC"],
                "cache": str(cache / f"{name}-1"),
            }
            for name in names
        },
        "java": str(tmp_path / "jdk-*/java"),
        "cache": str(cache),
        "home": "/homes/a",
        "tool": str(tool),
        "user": "cdc",
    }
    _java_cache.end(cache, "/homes/a")


def test_it_is_begun_once_and_what_it_makes_is_left_alone(run_module, options, tmp_path):
    cache = Path(options["cache"])
    (tmp_path / "jdk-25").mkdir()
    (tmp_path / "jdk-25/java").touch()
    predicted = run_module("java_cache", check=True, **options)
    assert predicted["changed"] and not list(cache.iterdir())
    begun = run_module("java_cache", **options)
    assert (begun["changed"], begun["diff"], begun["reason"]) == (True, predicted["diff"], "")
    assert begun["missing"] == ["connect", "kafka", "schema_registry"]
    plan = json.loads((cache / "plan-seen").read_text())
    assert (plan["java"], plan["user"], plan["background"]) == (str(tmp_path / "jdk-25/java"), "cdc", True)
    identity = plan["identity"]
    (certificate,), (authority,) = (read_certificates(identity[name]) for name in ("certificate", "authority"))
    assert signed_by(certificate, authority) and fits(certificate, read_key(identity["key"]))
    assert names_of(certificate) == {"127.0.0.1"}
    # It is at work: a second run has nothing to begin, and says so in check mode too.
    for check in (False, True):
        assert not run_module("java_cache", check=check, **options)["changed"]
    (cache / "go").touch()
    until(lambda: _java_cache.owner(cache), lambda found: found is None, 30, "it ends", 0.02)
    after = run_module("java_cache", **options)
    assert (after["changed"], after["present"], after["missing"]) == (
        False,
        ["connect", "kafka", "schema_registry"],
        [],
    )


def test_it_is_waited_for_where_it_is_asked(run_module, options):
    (Path(options["cache"]) / "go").touch()
    made = run_module("java_cache", **options, wait=True)
    assert (made["changed"], made["missing"], made["present"]) == (True, [], ["connect", "kafka", "schema_registry"])
    assert not json.loads((Path(options["cache"]) / "plan-seen").read_text())["background"]


def test_check_mode_predicts_what_is_waited_for(run_module, options, monkeypatch):
    """A task before it would have installed PostgreSQL."""
    monkeypatch.setattr(_java_cache, "look", lambda *_: Host(memory=64 << 30, disk=64 << 30, postgresql=False))
    predicted = run_module("java_cache", check=True, **options, wait=True)
    names = ["connect", "kafka", "schema_registry"]
    assert (predicted["changed"], predicted["missing"], predicted["present"]) == (True, [], names)
    assert predicted["diff"] == {"before": {"caches": []}, "after": {"caches": names}}
    assert not list(Path(options["cache"]).iterdir())
    refused = run_module("java_cache", **options, wait=True)
    assert not refused["changed"] and "no PostgreSQL" in refused["reason"]


def test_a_training_of_somebody_else_is_waited_for(run_module, options):
    """It makes other caches, so that one of our own follows, which is too late once."""
    cache = Path(options["cache"])
    (cache / "busy").touch()
    (cache / "go").touch()
    with open(cache / ".training.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        ending = threading.Timer(1.0, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        ending.start()
        made = run_module("java_cache", **options, wait=True)
        assert time.monotonic() - began >= 1.0
        ending.join()
    assert (made["changed"], made["missing"], made["reason"]) == (True, [], "")
    assert not (cache / "busy").exists()


def test_a_training_that_waits_for_a_calm_host_makes_room(run_module, options):
    cache = Path(options["cache"])
    assert run_module("java_cache", **{**options, "home": "/homes/b"})["changed"]
    waiting = _java_cache.owner(cache)
    assert waiting["home"] == "/homes/b"
    threading.Timer(1.0, (cache / "go").touch).start()
    made = run_module("java_cache", **options, wait=True)
    assert (made["changed"], made["missing"], made["reason"]) == (True, [], "")
    assert not json.loads((cache / "plan-seen").read_text())["background"]
    with pytest.raises(ProcessLookupError):
        os.kill(waiting["pid"], 0)


def test_no_wait_is_without_an_end(run_module, options, monkeypatch):
    monkeypatch.setattr(_java_cache, "SPARE_SECONDS", 0)
    ended = run_module("java_cache", **options, wait=True, timeout=1)
    assert not ended["changed"] and ended["reason"].startswith("the training was ended after 1 s")
    assert _java_cache.owner(Path(options["cache"])) is None
    with open(Path(options["cache"]) / ".training.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        busy = run_module("java_cache", **options, wait=True, timeout=1)
    assert not busy["changed"] and "another training is still at work after 1 s" in busy["reason"]


def test_a_failure_is_told_and_fails_nothing(run_module, options):
    (Path(options["cache"]) / "fail").touch()
    failed = run_module("java_cache", **options, wait=True)
    # One cache was made before.
    assert (failed["changed"], failed["reason"], failed["present"]) == (True, "the disk is full", ["kafka"])
    assert Path(failed["log"]).read_text().startswith("first\nthe disk is full\n")


def test_after_a_failure_the_background_waits_a_day(run_module, options):
    cache = Path(options["cache"])
    note, folders = cache / "training-failed.json", [each["cache"] for each in options["programs"].values()]
    (cache / "training.log").write_text("the worker ended\n  a line of its log\n")
    (cache / "go").touch()
    note.write_text(json.dumps({"caches": folders, "time": time.time() - 86000}))
    for check in (False, True):
        waits = run_module("java_cache", check=check, **options)
        assert not waits["changed"] and f"remove {note} to try at once. the worker ended" in waits["reason"]
    # Another day, other caches, and a note that nobody can read are no reason.
    for other in ({"caches": folders, "time": time.time() - 86500}, {"caches": folders[1:], "time": time.time()}, []):
        note.write_text(json.dumps(other))
        assert run_module("java_cache", check=True, **options)["changed"]
    # Who waits for the caches tries.
    note.write_text(json.dumps({"caches": folders, "time": time.time()}))
    assert run_module("java_cache", **options, wait=True)["missing"] == []


def test_a_log_of_another_training_is_not_emptied(run_module, options):
    cache = Path(options["cache"])
    (cache / "training.log").write_text("at work\n")
    (cache / "fail").touch()
    run_module("java_cache", **options)
    assert (cache / "training.log").read_text().startswith("at work\nfirst\n")


def test_what_a_killed_training_left_goes_before_the_disk_is_looked_at(run_module, options, monkeypatch):
    cache = Path(options["cache"])
    left = cache / ".training-left"
    (left / "work").mkdir(parents=True)
    (cache / ".training.lock").touch()
    monkeypatch.setattr(
        _java_cache, "look", lambda *_: Host(64 << 30, (1 if left.exists() else 64) << 30, postgresql=True)
    )
    assert "of disk are free" in run_module("java_cache", check=True, **options)["reason"] and left.exists()
    assert run_module("java_cache", **options)["changed"] and not left.exists()
    left.mkdir()
    _java_cache.clean(cache)
    assert left.exists(), "a training is at work"
    _java_cache.end(cache, "/homes/a")
    assert not left.exists()


def test_caches_that_are_used_are_touched(run_module, options):
    folders = [Path(each["cache"]) for each in options["programs"].values()]
    for folder in folders:
        folder.mkdir()
        os.utime(folder, (1, 1))
    run_module("java_cache", check=True, **options)
    assert {folder.stat().st_mtime for folder in folders} == {1}
    assert not run_module("java_cache", **options)["changed"]
    assert min(folder.stat().st_mtime for folder in folders) > time.time() - 600


def test_a_tool_that_is_missing_fails_nothing(run_module, options):
    result = run_module("java_cache", **options | {"tool": "/nowhere/cdc-train"})
    assert not result["changed"] and "/nowhere/cdc-train" in result["reason"]
    gone = run_module("java_cache", **options | {"cache": "/nowhere/cache"})
    assert not gone["changed"] and "the training cannot be started" in gone["reason"]


@pytest.mark.parametrize("check", [False, True])
def test_nothing_is_begun_that_cannot_succeed(run_module, options, monkeypatch, check):
    monkeypatch.setattr(_java_cache, "look", lambda *_: Host(memory=1 << 30, disk=64 << 30, postgresql=True))
    result = run_module("java_cache", check=check, **options)
    assert not result["changed"] and "1024 MiB of memory are available" in result["reason"]
    assert not (Path(options["cache"]) / "plan-seen").exists()


@pytest.mark.parametrize(
    ("host", "part"),
    [
        (ROOMY, ""),
        (Host(memory=None, disk=None, postgresql=True), ""),
        (Host(memory=64 << 30, disk=64 << 30, postgresql=False), "no PostgreSQL in /pg"),
        (Host(memory=3071 << 20, disk=64 << 30, postgresql=True), "3071 MiB of memory"),
        (Host(memory=64 << 30, disk=2047 << 20, postgresql=True), "2047 MiB of disk"),
    ],
)
def test_what_a_host_lacks(host, part):
    found = unfit(host, "/pg")
    assert part in found if part else found == ""


def test_the_end_of_an_instance_ends_its_training_alone(run_module, options):
    cache = Path(options["cache"])
    run_module("java_cache", **options)
    pid = _java_cache.owner(cache)["pid"]
    ending = {"programs": {}, "java": "", "cache": options["cache"], "state": "absent"}
    assert not run_module("java_cache", **ending, home="/homes/other")["changed"]
    assert run_module("java_cache", check=True, **ending, home="/homes/a")["changed"]
    assert _java_cache.owner(cache)["pid"] == pid
    assert run_module("java_cache", **ending, home="/homes/a")["changed"]
    assert _java_cache.owner(cache) is None
    until(lambda: not Path(f"/proc/{pid}").exists() or os.waitpid(pid, os.WNOHANG), bool, 30, "it ends", 0.02)
    assert not run_module("java_cache", **ending, home="/homes/a")["changed"]


def test_a_lock_that_was_left_is_nobodys(options):
    cache = Path(options["cache"])
    assert _java_cache.owner(cache) is None
    (cache / ".training.lock").write_text('{"pid": 1, "home": "/homes/a"}\n')
    assert _java_cache.owner(cache) is None
    assert not _java_cache.end(cache, "/homes/a")


def test_the_host_is_looked_at(tmp_path):
    assert not _java_cache.look(tmp_path / "not/made", str(tmp_path)).postgresql
    (tmp_path / "initdb").touch()
    found = _java_cache.look(tmp_path / "not/made", str(tmp_path))
    assert found.postgresql and found.disk > 0 and found.memory > 0
