# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The folder holds what the workloads ask for, and whatever was there of others."""

from __future__ import annotations

import importlib

import pytest
import yaml
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

WEB = {
    "name": "web",
    "image": "registry.example/web:1",
    "command": ["serve"],
    "files": {"a.txt": "hello\n"},
    "secrets": {"password": "hidden-value"},
}


@pytest.fixture
def run(run_module, tmp_path, monkeypatch):
    disk = importlib.import_module("ansible_collections.cdc.pipeline.plugins.module_utils._disk")
    module = importlib.import_module("ansible_collections.cdc.pipeline.plugins.modules.kubernetes_manifests")
    monkeypatch.setattr(module, "Disk", lambda: disk.Disk(root=False))

    def call(*workloads, check=False, **options):
        options = {"path": str(tmp_path / "out"), "workloads": list(workloads), "cluster": {}, **options}
        return run_module("kubernetes_manifests", check=check, **options)

    return call


def files(tmp_path):
    return sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_writes_once(run, tmp_path):
    dry = run(WEB, check=True)
    assert dry["changed"] and not (tmp_path / "out").exists()
    real = run(WEB)
    assert real["written"] == dry["written"] and real["files"] == files(tmp_path)
    assert "web/deployment-web.yaml" in files(tmp_path)
    again = run(WEB)
    assert not again["changed"] and not again["written"] and "diff" not in again


def test_mends_what_was_altered_and_removes_what_nothing_asks_for(run, tmp_path):
    run(WEB, {**WEB, "name": "other"})
    altered = tmp_path / "out/web/configmap-web-config.yaml"
    altered.write_text(altered.read_text().replace("hello", "bye"))
    dry = run(WEB, check=True)
    assert sorted(dry["written"]) == ["kustomization.yaml", "web/configmap-web-config.yaml"]
    assert "other/deployment-other.yaml" in dry["removed"] and (tmp_path / "out/other").is_dir()
    assert run(WEB)["removed"] == dry["removed"]
    assert not (tmp_path / "out/other").exists() and "hello" in altered.read_text()


def test_leaves_files_of_others_alone_and_does_not_overwrite_them(run, tmp_path):
    run(WEB)
    own = tmp_path / "out/web/patch.yaml"
    own.write_text("kind: Mine\n")
    assert not run(WEB)["changed"] and own.read_text() == "kind: Mine\n"
    taken = tmp_path / "out/web/deployment-web.yaml"
    taken.write_text("kind: Mine\n")
    with pytest.raises(ModuleFailed) as caught:
        run(WEB)
    assert "were not rendered" in caught.value.result["msg"] and str(taken) in caught.value.result["msg"]
    assert taken.read_text() == "kind: Mine\n"


def test_secrets_only_when_asked_for_and_never_in_a_result(run, tmp_path):
    run(WEB)
    secret = tmp_path / "out/web/secret-web-secrets.yaml"
    assert yaml.safe_load(secret.read_text())["stringData"] == {"password": "<password>"}
    encoded = "aGlkZGVuLXZhbHVl"
    told = run(WEB, secrets=True)
    assert yaml.safe_load(secret.read_text())["data"] == {"password": encoded}
    assert secret.stat().st_mode & 0o777 == 0o600
    untold = run(WEB)
    assert untold["written"] and secret.stat().st_mode & 0o777 == 0o644
    run(WEB, secrets=True)
    removed = run(secrets=True)
    assert removed["removed"] and not secret.exists()
    for result in (told, untold, removed):
        assert "hidden-value" not in result["stdout"] and encoded not in result["stdout"]


def test_further_manifests_have_folders_of_their_own(run, tmp_path):
    extra = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bounds"}},
    ]
    run(WEB, manifests={"cluster": extra}, cluster={"namespace": "elsewhere"})
    assert yaml.safe_load((tmp_path / "out/cluster/namespace-elsewhere.yaml").read_text()) == extra[0]
    bounds = yaml.safe_load((tmp_path / "out/cluster/limitrange-bounds.yaml").read_text())
    assert bounds["metadata"] == {"name": "bounds", "namespace": "elsewhere"}


def test_what_is_wrong_is_said_before_anything_is_written(run, tmp_path):
    with pytest.raises(ModuleFailed) as caught:
        run(WEB, {"name": "bad", "command": ["x"]})
    assert "image: is missing" in caught.value.result["msg"] and "hidden-value" not in caught.value.result["stdout"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("certificate", "program", "words"),
    [
        ("none.pem", "kubeseal", "none.pem cannot be read"),
        ("some.pem", "program-that-is-not-there", "there is no program program-that-is-not-there"),
        ("some.pem", "false", "false ended with 1"),
    ],
)
def test_secrets_that_cannot_be_sealed_are_not_written(run, tmp_path, certificate, program, words):
    """Sealing itself is tested with the real program by tests/integration/local/sealed."""
    (tmp_path / "some.pem").write_text("certificate")
    sealing = {"sealing_certificate": str(tmp_path / certificate), "sealing_key": "key-of-marks", "kubeseal": program}
    with pytest.raises(ModuleFailed) as caught:
        run(WEB, **sealing)
    assert words in caught.value.result["msg"] and "kubeseal --fetch-cert" in caught.value.result["msg"]
    assert "hidden-value" not in caught.value.result["stdout"] and not (tmp_path / "out").exists()
