# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import io
import json
import os
import tarfile

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

# Both stand for a program at the boundary of the process. mmdebstrap gives a file of each package's name ...
MMDEBSTRAP = """#!/bin/sh
[ -z "$DEBIAN_FAILS" ] || { echo "E: Unable to locate package python9" >&2; exit 100; }
for argument in "$@"; do case $argument in --include=*) packages=${argument#*=};; esac; done
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/usr/bin" "$root/etc/apt" && echo "mirror" > "$root/etc/apt/sources.list"
IFS=,; for package in $packages; do echo "$package" > "$root/usr/bin/$package"; done
ln "$root/usr/bin/base" "$root/usr/bin/base-link"
echo "$packages" >> "$CALLS/mmdebstrap"
tar --create --directory "$root" --sort=name .
"""
# ... and docker keeps what it was given in files.
DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS/docker"
case "$*" in
"ps "*) printf '%s' "$NODES";;
"exec "*" images ls"*) cat "$CALLS/$2.images" 2>/dev/null || true;;
"exec "*"config dump") echo '      snapshotter = "native"';;
"exec --interactive "*) cat > "$CALLS/$3.tar";;
"manifest inspect "*) grep -q "$3" "$CALLS/pushed" 2>&1 || { echo "${REGISTRY:-no such manifest}" >&2; exit 1; };;
"load") cat > "$CALLS/loaded.tar";;
"push "*) [ -z "$DENIED" ] || { echo "denied: not yours" >&2; exit 1; }; echo "$2" >> "$CALLS/pushed";;
*) exit 9;;
esac
"""


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """The folder in which the programs note how they were called, and what they were given."""
    for folder in ("bin", "calls"):
        (tmp_path / folder).mkdir()
    for name, script in (("mmdebstrap", MMDEBSTRAP), ("docker", DOCKER)):
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("NODES", "kind-worker\nkind-control-plane\n")
    return tmp_path / "calls"


@pytest.fixture
def options(tmp_path, calls):
    """An archive of two artifacts on Debian with Python, and a store of one file."""
    python, services = tmp_path / "cache/python-1", tmp_path / "cache/services-2"
    (python / "bin").mkdir(parents=True)
    (python / "bin/weed").write_bytes(b"binary")
    (python / "bin/tool").write_text(f"#!{python}/bin/python\n")
    (python / "bin/python3").symlink_to("/usr/bin/python3")
    (python / "lib/python3.11/jdk/bin").mkdir(parents=True)
    (python / "lib/python3.11/jdk/bin/java").write_bytes(b"java")
    (python / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = 3.11.2\ncommand = {python}\n")
    (services / "bin").mkdir(parents=True)
    (services / "bin/run").write_text(f"#!{python}/bin/python\nimport sys\nsys.path.insert(0, '{services}')\n")
    (services / "bin/run").chmod(0o755)
    (services / "data.txt").write_text(f"{services} stays\n")
    return {
        "cache": str(tmp_path / "cache/images"),
        "artifacts": {"python": str(python), "services": str(services)},
        "layers": {
            "system": {"packages": ["base"]},
            "python_system": {"base": "system", "packages": ["python3", "docs"], "exclude": ["usr/bin/docs"]},
            "python": {"artifact": "python", "exclude": ["bin/weed", "lib/*/jdk"]},
            "java": {"artifact": "python", "folder": "lib/python3*/jdk", "to": "/opt/java"},
            "weed": {"artifact": "python", "include": ["bin/weed"]},
            "services": {"artifact": "services"},
        },
        "images": {
            "archive": {"layers": ["system", "python_system", "python", "services"]},
            "object_store": {"layers": ["system", "weed"], "stop_signal": "INT"},
        },
    }


def image_of(path, reference) -> tuple[dict, dict[str, tarfile.TarInfo], dict[str, bytes]]:
    """Configuration, entries and contents of one image of a saved archive, its layers laid over each other."""
    with tarfile.open(path) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        (item,) = [item for item in manifest if item["RepoTags"] == [reference]]
        entries, contents = {}, {}
        for name in item["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(tar.extractfile(name).read())) as layer:
                for member in layer:
                    entries[member.name] = member
                    if member.isreg() or member.islnk():
                        contents[member.name] = layer.extractfile(member).read()
        return json.load(tar.extractfile(item["Config"])), entries, contents


def test_builds_and_saves_once_and_predicts_it(run_module, options, tmp_path):
    options["save"] = str(tmp_path / "out/images.tar")
    checked = run_module("container_images", check=True, **options)
    assert checked["changed"]
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "cache/images").exists()
    built = run_module("container_images", **options)
    assert {key: built[key] for key in ("images", "built", "delivered", "diff")} == {
        key: checked[key] for key in ("images", "built", "delivered", "diff")
    }
    again = run_module("container_images", **options)
    assert (again["changed"], again["built"], again["delivered"]) == (False, [], {})
    assert again["images"]["object_store"]["stop_signal"] == "INT"


def test_an_image_holds_its_artifacts_where_the_roles_look_for_them(run_module, options, tmp_path):
    options["save"] = str(tmp_path / "images.tar")
    name = run_module("container_images", **options)["images"]["archive"]["name"]
    config, entries, contents = image_of(tmp_path / "images.tar", name)
    assert config["config"]["User"] == "10001"
    assert config["config"]["StopSignal"] == "SIGTERM"
    assert contents["opt/cdc/services/bin/run"] == (
        b"#!/opt/cdc/python/bin/python\nimport sys\nsys.path.insert(0, '/opt/cdc/services')\n"
    )
    assert entries["opt/cdc/services/bin/run"].mode == 0o755
    # Only scripts know where they lie; data is left as it is.
    assert contents["opt/cdc/services/data.txt"].endswith(b"services-2 stays\n")
    assert b"/opt/cdc/python" in contents["opt/cdc/python/pyvenv.cfg"]
    assert entries["opt/cdc/python/bin/python3"].linkname == "/usr/bin/python3"
    assert "opt/cdc/python/bin/weed" not in entries
    assert not [path for path in entries if "jdk" in path]
    assert {member.uid for member in entries.values() if member.name.startswith("opt")} == {0}
    # The upper Debian layer adds to the lower one, and neither tells of this host's mirrors.
    assert contents["usr/bin/python3"] == b"python3\n"
    assert contents["usr/bin/base-link"] == contents["usr/bin/base"] == b"base\n"
    assert not {"usr/bin/docs", "etc/apt/sources.list"} & set(contents)


def test_a_debian_layer_holds_only_what_the_one_below_lacks(run_module, options, tmp_path):
    run_module("container_images", **options)
    (path,) = (tmp_path / "cache/images").glob("python_system-*.tar")
    with tarfile.open(path) as tar:
        assert [member.name for member in tar if not member.isdir()] == ["usr/bin/python3"]


def test_an_image_is_named_after_all_that_it_is_made_of(run_module, options):
    first = run_module("container_images", check=True, **options)["images"]
    options["artifacts"]["services"] = options["artifacts"]["services"].replace("-2", "-3")
    second = run_module("container_images", check=True, **options)["images"]
    assert first["object_store"] == second["object_store"]
    assert first["archive"] != second["archive"]
    third = run_module("container_images", check=True, **options, revision="2")["images"]
    assert third["object_store"] != second["object_store"]


def test_every_node_gets_what_it_lacks(run_module, options, calls):
    options["kind_cluster"] = "kind"
    names = {
        name: item["name"] for name, item in run_module("container_images", check=True, **options)["images"].items()
    }
    (calls / "kind-worker.images").write_text(names["archive"] + "\n")
    result = run_module("container_images", **options)
    assert result["delivered"] == {
        "kind-control-plane": [names["archive"], names["object_store"]],
        "kind-worker": [names["object_store"]],
    }
    assert "snapshotter=native" in (calls / "docker").read_text()
    image_of(calls / "kind-control-plane.tar", names["archive"])
    with tarfile.open(calls / "kind-worker.tar") as tar:
        assert [item["RepoTags"] for item in json.load(tar.extractfile("manifest.json"))] == [[names["object_store"]]]
    for node in ("kind-worker", "kind-control-plane"):
        (calls / f"{node}.images").write_text("\n".join(names.values()))
    assert not run_module("container_images", **options)["changed"]


def test_a_cluster_that_is_not_there_is_no_reason_to_build(run_module, options, calls, monkeypatch, tmp_path):
    monkeypatch.setenv("NODES", "")
    with pytest.raises(ModuleFailed, match="no running kind cluster kind"):
        run_module("container_images", **options, kind_cluster="kind")
    assert not (tmp_path / "cache/images").exists()
    # A run in check mode has not made it yet.
    assert list(run_module("container_images", check=True, **options, kind_cluster="kind")["delivered"]) == ["kind"]


def test_the_registry_gets_what_it_lacks(run_module, options, calls):
    options |= {"push": True, "repository": "registry.example.org/team"}
    result = run_module("container_images", **options)
    names = [item["name"] for item in result["images"].values()]
    assert sorted(result["delivered"]["registry.example.org/team"]) == sorted(names)
    assert sorted((calls / "pushed").read_text().split()) == sorted(names)
    assert not run_module("container_images", **options)["changed"]


def test_a_registry_that_refuses_is_quoted(run_module, options, monkeypatch):
    monkeypatch.setenv("REGISTRY", "unauthorized: authentication required")
    with pytest.raises(ModuleFailed, match="docker login") as failed:
        run_module("container_images", **options, push=True, repository="registry.example.org/team")
    assert "authentication required" in failed.value.result["msg"]


def test_a_push_that_is_denied_is_quoted(run_module, options, monkeypatch):
    monkeypatch.setenv("DENIED", "1")
    with pytest.raises(ModuleFailed, match="could not be pushed") as failed:
        run_module("container_images", **options, push=True, repository="registry.example.org/team")
    assert "denied: not yours" in failed.value.result["msg"]
    assert "docker login" in failed.value.result["msg"]


def test_mmdebstrap_that_fails_is_quoted_and_nothing_stays(run_module, options, monkeypatch, tmp_path):
    monkeypatch.setenv("DEBIAN_FAILS", "1")
    with pytest.raises(ModuleFailed, match="Unable to locate package python9"):
        run_module("container_images", **options)
    assert not list((tmp_path / "cache/images").glob("*system*.tar"))


def test_programs_that_are_missing_are_named(run_module, options):
    with pytest.raises(ModuleFailed, match="command podman-x is missing"):
        run_module("container_images", **options, engine="podman-x", kind_cluster="kind")


def test_a_virtual_environment_of_another_python_is_refused(run_module, options):
    with pytest.raises(ModuleFailed, match="does not fit Debian trixie"):
        run_module("container_images", **options, suite="trixie")


def test_a_pattern_that_matches_nothing_is_told(run_module, options):
    options["layers"]["weed"]["include"] = ["bin/wed"]
    with pytest.raises(ModuleFailed, match="The layer weed would be empty"):
        run_module("container_images", **options)


def test_all_mistakes_of_a_catalogue_are_told_at_once(run_module, options):
    options["layers"] |= {
        "wrong": {"artifact": "kafka"},
        "neither": {"to": "/opt"},
        "odd": {"base": "python", "packages": ["x"], "excludes": []},
    }
    options["images"]["extra"] = {"layers": ["sistem"]}
    with pytest.raises(ModuleFailed, match="catalogue is wrong") as failed:
        run_module("container_images", **options)
    for text in (
        "layers.wrong: there is no artifact 'kafka' (there are python, services)",
        "layers.neither: a map with one of the keys artifact and packages is expected",
        "layers.odd: excludes is unknown",
        "layers.odd: base: 'python' is no layer of packages",
        "images.extra: there is no layer 'sistem'",
    ):
        assert text in failed.value.result["msg"]
