# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

pytest.importorskip("kubernetes")

from ansible_collections.cdc.pipeline.tests.unit.fakes.cluster_api import OPENSHIFT, FakeClusterApi
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import Reply
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

READY = {"allocatable": {"cpu": "2", "memory": "4Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}
WANTED: dict[str, Any] = {
    "namespace": "here",
    "rights": [{"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "patch"]}],
    "cluster_rights": [{"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list"]}],
    "useful_cluster_rights": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}],
    "made_objects": [{"kind": "Namespace", "name": "here"}],
    "made_classes": {"cdc-kafka": "rancher.io/local-path"},
    "workloads": [
        {"name": "kafka", "replicas": 3, "memory_mib": 682, "cpu_millis": 250, "storage_mib": 3413,
         "storage_class": "cdc-kafka"},
        {"name": "object-store", "memory_mib": 256, "cpu_millis": 100, "storage_mib": 1},
    ],
}  # fmt: skip


@pytest.fixture
def api():
    with FakeClusterApi() as fake:
        for number in range(3):
            fake.add("nodes", f"node{number}", spec={}, status=READY)
        default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
        fake.add("storageclasses", "standard", metadata=default, provisioner="rancher.io/local-path")
        yield fake


@pytest.fixture
def run(api, run_module, tmp_path):
    def call(**options: Any) -> dict[str, Any]:
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        return run_module("preflight_cluster", **{"kubeconfig": kubeconfig, **WANTED, **options})

    return call


def said(run: Any, **options: Any) -> str:
    with pytest.raises(ModuleFailed) as failed:
        run(**options)
    return failed.value.result["msg"]


def test_a_cluster_that_has_all(api, run):
    result = run()
    assert not result["changed"]
    assert (result["context"], result["version"]) == ("fake", "v1.34.4")
    assert {call.path[-1] for call in api.calls if call.method != "GET"} == {
        "selfsubjectreviews",
        "selfsubjectaccessreviews",
    }


def test_everything_that_is_wrong_is_listed_at_once(api, run):
    api.denied = {"patch statefulsets", "create namespaces"}
    del api.objects["storageclasses", "", "standard"]
    del api.objects["nodes", "", "node2"]
    text = said(run)
    assert text.startswith("4 problems with the cluster http://127.0.0.1")
    for expected in (
        "The user ops lacks rights in the cluster",
        "in the whole cluster: namespaces (create)",
        "in namespace here: statefulsets.apps (patch)",
        "has no default storage class, for the volumes of object-store",
        "has no provisioner rancher.io/local-path",
        "3 brokers need 3 nodes",
    ):
        assert expected in text
    assert text.count("remedy:") == 4


def test_what_is_there_needs_no_right_to_make_it(api, run):
    api.denied = {"create namespaces", "patch namespaces"}
    api.add("namespaces", "here", status={"phase": "Active"})
    run()


def test_what_may_not_be_looked_at_is_left_out_with_a_warning(api, run):
    api.denied = {"list nodes"}
    warnings = json.dumps(run()["warnings"])
    assert "may not list nodes" in warnings
    assert "what the nodes have left" in warnings


def test_a_namespace_that_is_to_be_there(api, run):
    assert "tenancy_create_namespace is false" in said(run, create_namespace=False)
    api.add("namespaces", "here", status={"phase": "Terminating"})
    assert "is being deleted" in said(run)


def test_a_pull_secret_that_is_missing(api, run):
    run(image_pull_secrets=["registry"])
    api.add("namespaces", "here", status={"phase": "Active"})
    assert "no secret registry" in said(run, image_pull_secrets=["registry"])
    api.add("secrets", "registry", "here")
    run(image_pull_secrets=["registry"])


def test_a_class_of_the_clusters_own(api, run):
    workload = {**WANTED["workloads"][0], "storage_class": "standrad"}
    text = said(run, workloads=[workload])
    assert "no storage class standrad, for the volumes of kafka" in text
    assert 'set cdc_storage_classes.kafka to one that it has; did you mean "standard"?' in text


def test_brokers_to_which_nobody_signs_in_are_told(api, run):
    assert not run()["plain_brokers"]
    api.add("statefulsets", "kafka", "here")
    assert run()["plain_brokers"]
    for given, plain in ({}, True), ({"data": {"tls.key": ""}}, True), ({"data": {"format.arguments": ""}}, False):
        api.add("secrets", "kafka-secrets", "here", **given)
        assert run()["plain_brokers"] is plain
    del api.objects["secrets", "here", "kafka-secrets"]
    for right in "get secrets", "get statefulsets":
        api.denied = {right}
        found = run(rights=[])
        assert not found["plain_brokers"]
        assert "whether brokers run to which nobody signs in" in json.dumps(found["warnings"])


READY_NOW = {"conditions": [{"type": "Ready", "status": "True", "reason": "KeyPairVerified"}]}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "reason": "ErrGetKeyPair", "message": "no secret x"}]}


def test_who_signs_by_cert_manager(api, run):
    api.serves = {"cert-manager.io"}
    api.add("clusterissuers", "corporate", spec={"ca": {"secretName": "x"}}, status=READY_NOW)
    run(certificate_issuer={"name": "corporate"})
    api.add("issuers", "team", "here", spec={"vault": {}}, status=READY_NOW)
    run(certificate_issuer={"kind": "Issuer", "name": "team"})
    # Whoever may not look at it, is told so and not kept from anything.
    api.denied = {"get clusterissuers"}
    warnings = json.dumps(run(certificate_issuer={"name": "corporate"})["warnings"])
    assert "whether clusterissuer corporate is ready" in warnings


@pytest.mark.parametrize(
    ("issuer", "parts"),
    [
        (
            {"name": "none"},
            ["The ClusterIssuer none of certificates_issuer is not there", "kubectl get clusterissuers"],
        ),
        (
            {"kind": "Issuer", "name": "corporate"},
            ["is not there in the namespace here", "kubectl get issuers -n here"],
        ),
        ({"name": "broken"}, ["The ClusterIssuer broken is not ready", "ErrGetKeyPair, no secret x"]),
        ({"name": "silent"}, ["cert-manager has said nothing of it: its controller may not be running"]),
        ({"name": "public"}, ["signs for public names alone", "spec.acme"]),
        ({"name": "own"}, ["has each certificate sign itself", "choose one of the kind CA"]),
        ({"name": "x", "kind": "Foo", "group": "issuers.example.org"}, ["does not know the API issuers.example.org"]),
    ],
)
def test_nobody_who_can_sign(api, run, issuer, parts):
    api.serves = {"cert-manager.io"}
    api.lacks = {"issuers.example.org"}
    api.add("clusterissuers", "corporate", spec={"ca": {}}, status=READY_NOW)
    api.add("clusterissuers", "broken", spec={"ca": {}}, status=NOT_READY)
    api.add("clusterissuers", "silent", spec={"ca": {}})
    api.add("clusterissuers", "public", spec={"acme": {}}, status=READY_NOW)
    api.add("clusterissuers", "own", spec={"selfSigned": {}}, status=READY_NOW)
    text = said(run, certificate_issuer=issuer)
    assert text.startswith("1 problem with the cluster")
    assert all(part in text for part in parts), text
    assert not api.writes() or {path for _verb, path in api.writes()} <= {
        f"apis/{group}/v1/selfsubject{kind}reviews"
        for group, kind in (("authorization.k8s.io", "access"), ("authentication.k8s.io", ""))
    }


def test_a_cluster_without_cert_manager(api, run):
    text = said(run, certificate_issuer={"name": "corporate"})
    assert "The cluster has no cert-manager" in text and "then the pipeline's own authority signs" in text


OF_OPERATOR = [{"apiGroups": ["monitoring.coreos.com"], "resources": ["podmonitors"], "verbs": ["get", "create"]}]


def test_an_operator_of_prometheus_that_is_asked_for(api, run):
    run(prometheus_operator=False)
    text = said(run, prometheus_operator=True)
    assert "The cluster has no Prometheus Operator" in text
    assert "podmonitors.monitoring.coreos.com, probes.monitoring.coreos.com, prometheusrules" in text
    assert "set monitoring_service_monitors to auto" in text
    api.serves = {"monitoring.coreos.com"}
    run(prometheus_operator=True)


def test_rights_on_what_the_operator_is_told_are_asked_for_where_it_is(api, run):
    api.denied = {"create podmonitors"}
    run(rights=OF_OPERATOR)
    api.serves = {"monitoring.coreos.com"}
    assert "in namespace here: podmonitors.monitoring.coreos.com (create)" in said(run, rights=OF_OPERATOR)


def test_no_right_to_ask_cert_manager(api, run):
    api.serves = {"cert-manager.io"}
    api.add("clusterissuers", "corporate", spec={"ca": {}}, status=READY_NOW)
    api.denied = {"create certificates"}
    rules = [{"apiGroups": ["cert-manager.io"], "resources": ["certificates"], "verbs": ["get", "create"]}]
    text = said(run, certificate_issuer={"name": "corporate"}, rights=rules)
    assert "in namespace here: certificates.cert-manager.io (create)" in text


def test_an_old_cluster(api, run):
    api.version = "v1.27.3"
    assert "Kubernetes 1.28 or later is needed" in said(run)
    api.version = "v1.99.0"
    assert "v1.99.0 is not tested" in json.dumps(run()["warnings"])


def test_credentials_that_have_expired(api, run):
    api.disturbances = [Reply(401, {}), Reply(401, {})]
    assert "does not accept the kubeconfig's credentials" in said(run)


def test_no_server(run_module, api, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = tmp_path / "kubeconfig"
    api.kubeconfig(path)
    path.write_text(path.read_text().replace(api.url, f"http://127.0.0.1:{port}"))
    with pytest.raises(ModuleFailed, match="does not answer") as failed:
        run_module("preflight_cluster", kubeconfig=str(path), **WANTED)
    assert f"nobody listens there: http://127.0.0.1:{port} (context fake of {path})" in failed.value.result["msg"]


def test_no_kubeconfig(run_module, tmp_path):
    with pytest.raises(ModuleFailed, match="There is no kubeconfig") as failed:
        run_module("preflight_cluster", kubeconfig=str(tmp_path / "none"), **WANTED)
    assert str(tmp_path / "none") in failed.value.result["msg"]
    assert "cluster_provider=kind" in failed.value.result["msg"]


def test_what_is_no_api_server(api, run):
    api.disturbances = [Reply(200, "<html>")]
    assert "answers with an error" in said(run)


def test_nodes_that_share_this_hosts_memory(api, run):
    run(shared_host=True)
    for node in api.objects.values():
        if "status" in node:
            node["status"] = {**READY, "allocatable": {"cpu": "9", "memory": f"{2**50}"}}
    workload = {**WANTED["workloads"][0], "memory_mib": 2**25}
    assert "MiB of memory are needed" in said(run, workloads=[workload], shared_host=True)
    run(workloads=[workload])
    for number in range(3):
        labels = {"app.kubernetes.io/part-of": "cdc-pipeline"}
        container = {"resources": {"requests": {"memory": f"{2**25}Mi"}}}
        spec = {"nodeName": f"node{number}", "containers": [container]}
        api.add("pods", f"kafka-{number}", "here", metadata={"labels": labels, "namespace": "here"}, spec=spec,
                status={"phase": "Running"})  # fmt: skip
    run(workloads=[workload], shared_host=True)


def test_on_openshift_the_right_to_request_a_project_stands_for_that_to_make_a_namespace(api, run):
    api.groups, api.hides = dict(OPENSHIFT), True
    api.denied = {"create namespaces", "patch namespaces", "patch statefulsets"}
    result = run(projects=True)
    assert "the project here will be requested" in json.dumps(result["warnings"])
    api.denied.add("list storageclasses")
    assert "storageclasses.storage.k8s.io (list)" in said(run, projects=True)
    api.denied.add("create projectrequests")
    assert "in the whole cluster: namespaces (create, patch)" in said(run, projects=True)


def test_in_a_project_that_is_there_the_rights_are_asked_for(api, run):
    api.groups, api.hides = dict(OPENSHIFT), True
    api.denied = {"create namespaces", "patch namespaces", "patch statefulsets", "get namespaces"}
    api.add("namespaces", "here", status={"phase": "Active"})
    assert "in namespace here: statefulsets.apps (patch)" in said(run, projects=True)
