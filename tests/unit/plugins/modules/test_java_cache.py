# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A training is begun where it can succeed, once, and ends with its instance."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils import _java_cache
from ansible_collections.cdc.pipeline.plugins.module_utils._java_cache import Host, unfit

# Stands for cdc-train: holds the lock as it does, makes the caches when it is told to, and ends on SIGTERM.
TOOL = """#!/usr/bin/env python3
import fcntl, json, os, pathlib, signal, sys, time
assert sys.argv[1:] == ["--plan", "-"]
plan = json.loads(sys.stdin.read())
cache = pathlib.Path(plan["cache"])
(cache / "plan").write_text(json.dumps(plan))
if (cache / "fail").exists():
    print("first\\nthe disk is full\\n  a line of a server's log")
    sys.exit(1)
lock = open(cache / ".training.lock", "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
print(json.dumps({"pid": os.getpid(), "home": plan["home"]}), file=lock, flush=True)
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


def until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_is_begun_once_and_what_it_makes_is_left_alone(run_module, options, tmp_path):
    cache = Path(options["cache"])
    (tmp_path / "jdk-25").mkdir()
    (tmp_path / "jdk-25/java").touch()
    predicted = run_module("java_cache", check=True, **options)
    assert predicted["changed"] and not list(cache.iterdir())
    begun = run_module("java_cache", **options)
    assert (begun["changed"], begun["diff"], begun["reason"]) == (True, predicted["diff"], "")
    assert begun["missing"] == ["connect", "kafka", "schema_registry"]
    plan = json.loads((cache / "plan").read_text())
    assert (plan["java"], plan["user"], plan["background"]) == (str(tmp_path / "jdk-25/java"), "cdc", True)
    # It is at work: a second run has nothing to begin, and says so in check mode too.
    for check in (False, True):
        assert not run_module("java_cache", check=check, **options)["changed"]
    (cache / "go").touch()
    until(lambda: _java_cache.owner(cache) is None)
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
    assert not json.loads((Path(options["cache"]) / "plan").read_text())["background"]


def test_a_failure_is_told_and_fails_nothing(run_module, options):
    (Path(options["cache"]) / "fail").touch()
    failed = run_module("java_cache", **options, wait=True)
    assert (failed["changed"], failed["reason"]) == (False, "the disk is full")
    assert Path(failed["log"]).read_text().startswith("first\nthe disk is full\n")


def test_what_was_made_of_a_training_that_failed_is_there(run_module, options):
    cache = Path(options["cache"])
    (cache / "kafka-1").mkdir()
    (cache / "fail").touch()
    failed = run_module("java_cache", **options, wait=True)
    assert (failed["changed"], failed["present"], failed["missing"]) == (
        False,
        ["kafka"],
        ["connect", "schema_registry"],
    )


def test_a_training_that_failed_is_not_begun_again_at_once(run_module, options):
    cache = Path(options["cache"])
    wanted = [program["cache"] for program in options["programs"].values()]
    note = {"time": time.time(), "wanted": wanted, "why": "the disk is full"}
    (cache / _java_cache.FAILED).write_text(json.dumps(note))
    result = run_module("java_cache", **options)
    assert not result["changed"] and "the disk is full" in result["reason"] and not (cache / "plan").exists()
    # Of other caches, or of the day before.
    for other in ({"wanted": wanted[1:]}, {"time": time.time() - 90_000}):
        (cache / _java_cache.FAILED).write_text(json.dumps(note | other))
        assert run_module("java_cache", check=True, **options)["changed"]
    (cache / _java_cache.FAILED).write_text("no JSON")
    (cache / "go").touch()
    assert run_module("java_cache", **options, wait=True)["missing"] == []


def test_one_who_waits_waits_for_anothers_training(run_module, options):
    cache = Path(options["cache"])
    run_module("java_cache", **options)
    threading.Timer(0.5, (cache / "go").touch).start()
    waited = run_module("java_cache", **options, wait=True)
    assert (waited["changed"], waited["missing"]) == (False, [])


def test_check_mode_says_what_one_who_waits_will_have(run_module, options, monkeypatch):
    nothing = Host(memory=64 << 30, disk=64 << 30, postgresql=False)
    monkeypatch.setattr(_java_cache, "look", lambda *_: nothing)
    said = run_module("java_cache", check=True, **options, wait=True)
    assert (said["changed"], said["missing"], said["reason"]) == (True, [], "")


def test_what_a_killed_training_has_left_goes(run_module, options):
    left = Path(options["cache"]) / ".training-abc/work"
    left.mkdir(parents=True)
    assert run_module("java_cache", check=True, **options)["changed"] and left.exists()
    (Path(options["cache"]) / "go").touch()
    run_module("java_cache", **options, wait=True)
    assert not left.parent.exists()


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
    assert not (Path(options["cache"]) / "plan").exists()


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
    until(lambda: not Path(f"/proc/{pid}").exists() or os.waitpid(pid, os.WNOHANG))
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
