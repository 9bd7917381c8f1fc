# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is said where there is nothing to look at; what it shows is in test_kubernetes_instance.py."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed


def test_without_a_kubeconfig(run_module, tmp_path):
    pytest.importorskip("kubernetes")
    with pytest.raises(ModuleFailed) as caught:
        run_module("kubernetes_instance_info", cluster={"kubeconfig": str(tmp_path / "none")})
    assert "There is no kubeconfig at" in caught.value.result["msg"]
    assert "cdc_kubeconfig" in caught.value.result["msg"]


def test_a_context_that_is_not_there(run_module, tmp_path):
    pytest.importorskip("kubernetes")
    path = tmp_path / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: t}}]\n"
        "contexts: [{name: staging, context: {cluster: c, user: u}}, {name: one, context: {cluster: c, user: u}}]\n"
    )
    with pytest.raises(ModuleFailed) as caught:
        run_module("kubernetes_instance_info", cluster={"kubeconfig": str(path), "context": "stagin"})
    assert 'no context stagin; did you mean "staging"?' in caught.value.result["msg"]
    with pytest.raises(ModuleFailed) as caught:
        run_module("kubernetes_instance_info", cluster={"kubeconfig": str(path)})
    assert "The cluster's API does not answer" in caught.value.result["msg"]
    assert "https://127.0.0.1:1" in caught.value.result["msg"]
