# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

PROJECT = """[project]
name = "tool"
version = "1"
[project.scripts]
hello = "tool.main:main"
"""
# Stands for Maven at the boundary of the process: the same arguments, files of its own.
MAVEN = """#!/bin/sh
for argument in "$@"; do case $argument in -DoutputDirectory=*) out=${argument#*=};; esac; done
[ -z "$MAVEN_FAILS" ] || { echo "[ERROR] Could not transfer artifact a:b:1"; exit 1; }
mkdir -p "$out" && cp "$MAVEN_FILES"/* "$out"
"""


@pytest.fixture
def project(tmp_path):
    package = tmp_path / "project/src/tool"
    package.mkdir(parents=True)
    (tmp_path / "project/pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text("def main():\n    print('hello')\n")
    return tmp_path / "project"


@pytest.fixture
def maven(tmp_path, monkeypatch):
    """A folder of the files that the next call of Maven delivers."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mvn").write_text(MAVEN)
    (tmp_path / "bin/mvn").chmod(0o755)
    (tmp_path / "delivered").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("MAVEN_FILES", str(tmp_path / "delivered"))
    return tmp_path / "delivered"


@pytest.fixture
def catalogue(tmp_path, project):
    (tmp_path / "none.txt").write_text("")
    return {
        "python": {"kind": "venv", "requirements": str(tmp_path / "none.txt")},
        "tools": {"kind": "python_package", "source": str(project), "environment": "python"},
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_builds_once_and_predicts_it(run_module, catalogue, tmp_path):
    cache = tmp_path / "cache"
    checked = run_module("artifact", check=True, catalogue=catalogue, cache=str(cache))
    assert (checked["changed"], checked["built"], cache.exists()) == (True, ["python", "tools"], False)
    built = run_module("artifact", catalogue=catalogue, cache=str(cache))
    assert (built["paths"], built["diff"]) == (checked["paths"], checked["diff"])
    script = subprocess.run([f"{built['paths']['tools']}/bin/hello"], capture_output=True, text=True, check=True)
    assert script.stdout == "hello\n"
    again = run_module("artifact", catalogue=catalogue, cache=str(cache))
    assert (again["changed"], again["built"]) == (False, [])


def test_changed_source_makes_another_folder(run_module, catalogue, project, tmp_path):
    first = run_module("artifact", catalogue=catalogue, cache=str(tmp_path / "cache"))
    (project / "src/tool/main.py").write_text("def main():\n    print('bye')\n")
    second = run_module("artifact", catalogue=catalogue, cache=str(tmp_path / "cache"))
    assert second["built"] == ["tools"]
    assert first["paths"]["tools"] != second["paths"]["tools"]


def test_what_a_killed_build_left_goes(run_module, catalogue, tmp_path):
    cache = tmp_path / "cache"
    name = Path(run_module("artifact", check=True, catalogue=catalogue, cache=str(cache))["paths"]["tools"]).name
    for left in (f".{name}-abc/content", ".tools-0123456789ab-abc/content"):
        (cache / left).mkdir(parents=True)
    run_module("artifact", catalogue=catalogue, cache=str(cache))
    assert not (cache / f".{name}-abc").exists()
    # Another version's, which another checkout may be building.
    assert (cache / ".tools-0123456789ab-abc").exists()


def test_a_download_ends_with_its_run(run_module, maven, tmp_path):
    began = tmp_path / "began"
    (tmp_path / "bin/mvn").write_text(f"#!/bin/sh\necho $$ > {began}.part; mv {began}.part {began}; exec sleep 300\n")
    archive = {"kind": "archive", "coordinates": "a:b:1", "sha256": "0" * 64}
    run = os.fork()
    if not run:
        try:
            run_module("artifact", cache=str(tmp_path / "cache"), catalogue={"a": archive})
        finally:
            os._exit(1)
    deadline = time.monotonic() + 30
    while not began.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    while Path(f"/proc/{int(began.read_text())}").exists():
        assert time.monotonic() < deadline, "it goes on for a run that is no more"
        time.sleep(0.02)


def test_jars_are_checked_against_their_list(run_module, maven, tmp_path):
    (maven / "a-1.jar").write_bytes(b"a")
    (maven / "connect-api-9.jar").write_bytes(b"unwanted")
    (tmp_path / "sums").write_text(f"{digest(b'a')}  a-1.jar\n")
    definition = {
        "kind": "maven",
        "dependencies": ["g:a:1"],
        "checksums": str(tmp_path / "sums"),
        "exclude": ["connect-api-*"],
        "folder": "plugin",
        "services": {"org.example.Interface": "org.example.Implementation"},
    }
    result = run_module("artifact", catalogue={"jars": definition}, cache=str(tmp_path / "cache"))
    folder = tmp_path / "cache" / Path(result["paths"]["jars"]).name / "plugin"
    assert sorted(jar.name for jar in folder.iterdir()) == ["a-1.jar", "jars-services.jar"]
    with zipfile.ZipFile(folder / "jars-services.jar") as jar:
        assert jar.read("META-INF/services/org.example.Interface") == b"org.example.Implementation\n"


@pytest.mark.parametrize("delivered", [{"a-1.jar": b"forged"}, {}, {"a-1.jar": b"a", "b-1.jar": b"more"}])
def test_wrong_jars_are_refused_and_nothing_stays(run_module, maven, tmp_path, delivered):
    for name, content in delivered.items():
        (maven / name).write_bytes(content)
    (maven / "ignored.txt").write_bytes(b"")
    (tmp_path / "sums").write_text(f"{digest(b'a')}  a-1.jar\n")
    definition = {
        "kind": "maven", "dependencies": ["g:a:1"], "checksums": str(tmp_path / "sums"), "exclude": ["*.txt"]
    }  # fmt: skip
    with pytest.raises(ModuleFailed, match="could not be had") as failed:
        run_module("artifact", catalogue={"jars": definition}, cache=str(tmp_path / "cache"))
    assert "are not those of the list" in failed.value.result["msg"]
    assert not list((tmp_path / "cache").glob("jars-*"))


def test_archive_is_verified_and_stripped(run_module, maven, tmp_path):
    (tmp_path / "tree/top/lib").mkdir(parents=True)
    (tmp_path / "tree/top/lib/x.jar").write_bytes(b"x")
    with tarfile.open(maven / "thing.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "tree/top", "top")
        tar.add(tmp_path / "tree/top/lib/x.jar", "top/../../escaped")
    definition = {
        "kind": "archive",
        "coordinates": "g:a:1:tar.gz",
        "sha256": digest((maven / "thing.tar.gz").read_bytes()),
        "strip": 1,
    }
    result = run_module("artifact", catalogue={"thing": definition}, cache=str(tmp_path / "cache"))
    folder = tmp_path / "cache" / Path(result["paths"]["thing"]).name
    assert [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()] == ["lib/x.jar"]
    with pytest.raises(ModuleFailed, match="checksum of g:a:1:tar\\.gz is wrong"):
        run_module("artifact", catalogue={"thing": {**definition, "sha256": "0" * 64}}, cache=str(tmp_path / "cache"))


def test_a_client_that_fails_is_quoted(run_module, maven, monkeypatch, tmp_path):
    monkeypatch.setenv("MAVEN_FAILS", "1")
    definition = {"kind": "archive", "coordinates": "a:b:1", "sha256": "0" * 64}
    with pytest.raises(ModuleFailed) as failed:
        run_module("artifact", catalogue={"thing": definition}, cache=str(tmp_path / "cache"))
    assert "Could not transfer artifact a:b:1" in failed.value.result["msg"]


def test_wrong_catalogue_is_refused_as_a_whole(run_module, tmp_path):
    catalogue = {
        "a": {"kind": "maven", "dependencys": []},
        "b": {"kind": "zip"},
        "c": {"kind": "venv", "requirements": str(tmp_path / "absent")},
    }
    with pytest.raises(ModuleFailed) as failed:
        run_module("artifact", catalogue=catalogue, cache=str(tmp_path / "cache"))
    message = failed.value.result["msg"]
    for part in ("dependencies is missing", 'did you mean "dependencies"?', "kind is 'zip'", "absent does not exist"):
        assert part in message


def test_a_package_needs_an_environment_of_the_catalogue(run_module, project, tmp_path):
    catalogue = {"tools": {"kind": "python_package", "source": str(project), "environment": "python"}}
    with pytest.raises(ModuleFailed, match="python is not an artifact of kind venv"):
        run_module("artifact", catalogue=catalogue, cache=str(tmp_path / "cache"))
