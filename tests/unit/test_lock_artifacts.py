# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`make lock` writes the checksums of jars and archives from what Maven delivers."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Stands for Maven at the boundary of the process: files that are named by what it is asked for.
MAVEN = """#!/bin/sh
echo "$@" >> "$MAVEN_ASKED"
for argument in "$@"; do case $argument in
  -DoutputDirectory=*) out=${argument#*=};;
  -Dartifact=*) artifact=${argument#*=};;
  */pom.xml) pom=$argument;;
esac; done
mkdir -p "$out"
if [ -n "$artifact" ]; then echo "archive $artifact" > "$out/file.tar.gz"; exit; fi
sed -n 's/.*<version>\\([2-9][^<]*\\).*/\\1/p' "$pom" | while read version; do
  echo "$version" > "$out/lib-$version.jar"
done
echo "never wanted" > "$out/connect-api-1.jar"
"""
DEFAULTS = """
artifacts_catalogue:
  python: {kind: venv, requirements: services.txt}
  lib:
    kind: maven
    dependencies: ["g:lib:{{ versions_lib }}"]
    exclude: [connect-api-*.jar]
    checksums: "{{ role_path }}/files/lib.sha256"
  app: {kind: archive, coordinates: "g:app:{{ versions_app }}:tar.gz", sha256: "{{ versions_app_sha256 }}"}
artifacts_optional: {}
"""


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("lock_artifacts", ROOT / ".ci/lock_artifacts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path, monkeypatch, tool):
    """A checkout with one set of jars and one archive, and a Maven."""
    role = tmp_path / "roles/artifacts"
    (role / "files").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "defaults/main.yml").write_text(DEFAULTS)
    versions = tmp_path / tool.VERSIONS
    versions.parent.mkdir(parents=True)
    versions.write_text("# Kept.\nversions_lib: 2.0\nversions_app: 5.1\nversions_app_sha256: old\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mvn").write_text(MAVEN)
    (tmp_path / "bin/mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("MAVEN_ASKED", str(tmp_path / "asked"))
    return tmp_path


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_writes_lists_and_versions_once(tool, project):
    shown = tool.lock(project, project / "cache", [])
    assert (project / "roles/artifacts/files/lib.sha256").read_text() == f"{digest('2.0' + chr(10))}  lib-2.0.jar\n"
    archive = digest("archive g:app:5.1:tar.gz\n")
    expected = f"# Kept.\nversions_lib: 2.0\nversions_app: 5.1\nversions_app_sha256: {archive}\n"
    assert (project / tool.VERSIONS).read_text() == expected
    assert "  new      lib-2.0.jar" in shown and "  changed  versions_app_sha256" in shown
    assert tool.lock(project, project / "cache", []) == []
    assert "--strict-checksums" in (project / "asked").read_text()


def test_a_new_version_replaces_the_old(tool, project):
    tool.lock(project, project / "cache", [])
    versions = project / tool.VERSIONS
    versions.write_text(versions.read_text().replace("2.0", "3.0"))
    shown = tool.lock(project, project / "cache", ["lib"])
    assert shown == ["roles/artifacts/files/lib.sha256:", "  gone     lib-2.0.jar", "  new      lib-3.0.jar"]
    assert "lib-2.0" not in (project / "roles/artifacts/files/lib.sha256").read_text()


def test_another_content_under_the_same_name_stands_out(tool):
    assert "CHANGED  a.jar" in tool.differences({"a.jar": "1"}, {"a.jar": "2"})[0]


def test_unknown_names_are_told(tool, project):
    with pytest.raises(SystemExit, match="no jars or archives are called kafak; there are app, lib"):
        tool.lock(project, project / "cache", ["kafak"])


def test_every_list_of_the_role_is_covered(tool):
    """What is pinned by a checksum is what the tool writes."""
    found = tool.artifacts(ROOT, [])
    lists = {Path(artifact.options["checksums"]).name for artifact, variable in found if not variable}
    assert lists == {path.name for path in (ROOT / "roles/artifacts/files").glob("*.sha256")}
    pinned = {line.partition(":")[0] for line in (ROOT / tool.VERSIONS).read_text().splitlines() if "_sha256:" in line}
    assert {variable for _artifact, variable in found if variable} == pinned
