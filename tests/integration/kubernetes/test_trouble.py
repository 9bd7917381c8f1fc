# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a real cluster says when pods cannot come up, and what becomes of it. None of these may take its time limit."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.trouble import is_ready
from raw import post
from waiting import until

LIMIT = 300


def message(realise, **changes):
    start = time.monotonic()
    with pytest.raises(PipelineError) as caught:
        realise(timeout=LIMIT, **changes)
    assert time.monotonic() - start < LIMIT / 3
    return caught.value.message


def test_an_image_that_is_nowhere(realise):
    text = message(realise, image="registry.invalid/none:1")
    assert "The image registry.invalid/none:1 cannot be pulled" in text and "cannot reach the registry" in text


def test_a_process_that_ends(realise, spec):
    code = "import sys\nprint(open('/etc/cdc/secrets/password').read())\nsys.exit('ConfigException: no such port')\n"
    text = message(realise, files={**spec["files"], "serve.py": code})
    assert "ConfigException: no such port" in text and "it refuses its configuration" in text
    assert "********" in text and "sesame-open" not in text and "BackOff" in text


def test_a_check_that_refuses_the_files(api, realise, spec):
    code = "import sys\ntext = open(sys.argv[1]).read()\nsys.exit(f'cannot use {text}' if 'bad' in text else 0)"
    check = {"name": "settings", "command": ["/usr/bin/python3", "-c", code, "@{config}/hello.txt"]}
    realise(replicas=2, check=[check])
    text = message(realise, replicas=2, check=[check], files={**spec["files"], "hello.txt": "bad"})
    assert "echo-1 is not started: its check settings refuses its files" in text and "cannot use bad" in text
    assert is_ready(api.get("Pod", "echo-0")), "what was not replaced runs on"


def test_a_command_that_is_not_in_the_image(realise):
    text = message(realise, command=["/opt/none"])
    assert "cannot be started" in text and "the command is not in this image" in text


def test_too_little_memory_for_the_process(realise, spec):
    text = message(realise, files={**spec["files"], "serve.py": "x = bytearray(500000000)\n"})
    assert "its memory limit was reached (OOMKilled)" in text


def test_too_little_memory_on_the_nodes(realise):
    text = message(realise, resources={"memory": {"request": "9000Gi", "limit": "9000Gi"}})
    assert "No node takes" in text and "Insufficient memory" in text and "of memory left" in text


def test_a_storage_class_that_is_not_there(realise):
    text = message(realise, storage={"size": "1Gi", "class": "none-such"})
    assert "there is no storage class none-such" in text and "cdc_storage_classes" in text


def test_a_quota(api, realise):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}}
    post(api, "resourcequotas", {**quota, "spec": {"hard": {"requests.memory": "1Mi"}}})
    text = message(realise)
    assert "a quota is used up" in text and "requests.memory" in text


def test_what_is_made_keeps_the_restricted_standard(api, realise):
    report = realise()
    assert (
        api.get("Namespace", api.namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    )
    assert report.started == ["echo-0"]


def test_rights_that_are_missing(api, weak, realise):
    text = message(realise, kubeconfig=weak, replicas=2)
    assert f"may not get statefulsets.apps in the namespace {api.namespace}" in text and "kubectl auth can-i" in text


def test_a_namespace_that_is_missing(api, realise, namespace, monkeypatch):
    api.delete("Namespace", namespace)
    until(lambda: api.get("Namespace", namespace), lambda found: not found, 60, "the namespace is gone")
    assert f"The namespace {namespace} does not exist" in message(realise)
    assert realise(dry=True).changed, "in check mode an earlier step would have made it"
