# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the preflight says of a real cluster that cannot take the pipeline. Nothing is created, whatever it finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.owned import RUNNERS
from waiting import until

DEFAULT = "storageclass.kubernetes.io/is-default-class"
OPERATOR = Path(__file__).resolve().parents[3] / "roles/tenancy/files/operator.yml"
KINDS = ("ConfigMap", "Secret", "ServiceAccount", "Service", *RUNNERS, "Pod", "PersistentVolumeClaim", "NetworkPolicy")
WORKLOAD = {"name": "kafka", "replicas": 3, "memory_mib": 1, "cpu_millis": 1, "storage_mib": 1, "storage_class": ""}


def contents(api):
    return {(kind, item["metadata"]["name"]) for kind in KINDS for item in api.list(kind)}


@pytest.fixture
def refusal(api, preflight):
    """What the preflight says, which has created nothing."""
    # The controllers put an account and a certificate into a new namespace.
    theirs = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
    until(lambda: contents(api), lambda found: theirs <= found, 30, "the controllers have put theirs there")

    def call(**options):
        before, classes = contents(api), {item["metadata"]["name"] for item in api.list("StorageClass")}
        result = preflight(**options)
        assert result["failed"] and "nothing has been changed" in result["msg"]
        assert contents(api) == before
        assert {item["metadata"]["name"] for item in api.list("StorageClass")} == classes
        return result["msg"]

    return call


@pytest.fixture
def no_default(api):
    """No storage class is the default one meanwhile. Volumes that are there do not mind."""
    names = [
        item["metadata"]["name"]
        for item in api.list("StorageClass")
        if (item["metadata"].get("annotations") or {}).get(DEFAULT) == "true"
    ]
    try:
        for name in names:
            api.merge("StorageClass", name, {"metadata": {"annotations": {DEFAULT: "false"}}})
        yield
    finally:
        for name in names:
            api.merge("StorageClass", name, {"metadata": {"annotations": {DEFAULT: "true"}}})


def test_a_cluster_that_takes_it(preflight):
    result = preflight(workloads=[{**WORKLOAD, "storage_mib": 0}], brokers_share_nodes=True)
    assert not result.get("failed"), result
    assert result["version"].startswith("v1.")


def test_a_user_without_rights(refusal, weak, namespace):
    rules = yaml.safe_load(OPERATOR.read_text())
    text = refusal(
        kubeconfig=weak,
        rights=[item["rule"] for item in rules["namespaced"]],
        cluster_rights=[item["rule"] for item in rules["cluster"] if not item.get("useful")],
        useful_cluster_rights=[item["rule"] for item in rules["cluster"] if item.get("useful")],
    )
    assert f"The user system:serviceaccount:{namespace}:weak lacks rights in the cluster" in text
    assert f"in namespace {namespace}: " in text and "statefulsets.apps (create, delete, get, list, patch)" in text
    assert "in the whole cluster: " in text and "storageclasses.storage.k8s.io (get, list)" in text
    assert "--tags storage,tenancy" in text and "docs/rbac.md" in text


def test_too_little_memory_on_the_nodes(refusal):
    text = refusal(workloads=[{**WORKLOAD, "replicas": 1, "memory_mib": 9000 * 1024, "storage_mib": 0}])
    assert "The nodes have too little memory left for what the components request" in text
    assert f"{9000 * 1024} MiB are requested (kafka {9000 * 1024} MiB)" in text
    assert "add nodes, end other pods" in text and "<role>_memory" in text


def test_a_storage_class_that_is_not_there(refusal):
    text = refusal(workloads=[{**WORKLOAD, "storage_class": "none-such"}], brokers_share_nodes=True)
    assert "The cluster has no storage class none-such, for the volumes of kafka" in text
    assert "set cdc_storage_classes.kafka to one that it has" in text


def test_a_provisioner_that_is_not_there(refusal):
    workload = {**WORKLOAD, "storage_class": "cdc-test"}
    text = refusal(workloads=[workload], made_classes={"cdc-test": "example.org/none"}, brokers_share_nodes=True)
    assert "The cluster has no provisioner example.org/none, by which the class cdc-test would make volumes" in text
    assert "or storage_provisioner to a provisioner that it has" in text


def test_no_default_storage_class(refusal, no_default):
    text = refusal(workloads=[WORKLOAD], brokers_share_nodes=True)
    assert "The cluster has no default storage class, for the volumes of kafka" in text
    assert "set cdc_storage_classes.kafka to one of its classes" in text
