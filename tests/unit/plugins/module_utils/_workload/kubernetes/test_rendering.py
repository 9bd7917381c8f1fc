# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Manifests as texts of files."""

from __future__ import annotations

import base64

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.rendering import (
    HEADER,
    KUSTOMIZATION,
    file_name,
    rendered,
    to_yaml,
)


def manifest(kind, name, **parts):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n"}, **parts}


SECRET = manifest("Secret", "web-secrets", type="Opaque", data={"password": base64.b64encode(b"hidden-value").decode()})
CONFIG = manifest("ConfigMap", "web-config", data={"a.txt": "one\ntwo\n"})


def test_a_file_for_each_manifest_and_a_kustomization_of_them():
    files = rendered({"web": [CONFIG, manifest("ServiceAccount", "web-sa")]}, secrets=False)
    assert list(files) == ["web/configmap-web-config.yaml", "web/serviceaccount-web-sa.yaml", KUSTOMIZATION]
    assert all(item.text.startswith(HEADER) for item in files.values())
    assert yaml.safe_load(files["web/configmap-web-config.yaml"].text) == CONFIG
    assert yaml.safe_load(files[KUSTOMIZATION].text)["resources"] == list(files)[:2]


def test_without_secrets_placeholders_stand_in_their_place_and_are_not_applied():
    files = rendered({"web": [CONFIG, SECRET]}, secrets=False)
    found = yaml.safe_load(files["web/secret-web-secrets.yaml"].text)
    assert found["stringData"] == {"password": "<password>"} and "data" not in found
    assert found["metadata"]["annotations"] == {"cdc-pipeline/placeholders": "true"} and found["type"] == "Opaque"
    assert "web/secret-web-secrets.yaml" not in files[KUSTOMIZATION].text
    texts = "".join(item.text for item in files.values())
    assert SECRET["data"]["password"] not in texts and "hidden-value" not in texts


def test_with_secrets_they_are_files_like_others_but_private():
    files = rendered({"web": [CONFIG, SECRET]}, secrets=True)
    assert yaml.safe_load(files["web/secret-web-secrets.yaml"].text) == SECRET
    assert [path for path, item in files.items() if item.secret] == ["web/secret-web-secrets.yaml"]
    assert "web/secret-web-secrets.yaml" in files[KUSTOMIZATION].text


def test_texts_of_several_lines_can_be_read_and_nothing_stands_by_reference():
    labels = {"a": "b"}
    assert to_yaml({"one": labels, "two": labels, "text": "x\ny\n"}) == (
        "one:\n  a: b\ntwo:\n  a: b\ntext: |\n  x\n  y\n"
    )


def test_names_that_no_file_may_have_are_mended():
    assert file_name(manifest("ClusterRole", "system:reader")) == "clusterrole-system-reader.yaml"


def test_two_manifests_of_one_file_are_refused():
    with pytest.raises(ValueError, match="two manifests of kind ConfigMap named web-config"):
        rendered({"web": [CONFIG, CONFIG]}, secrets=False)


def test_nothing_gives_nothing():
    assert rendered({}, secrets=False) == {}
