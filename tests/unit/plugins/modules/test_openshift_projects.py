# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A namespace on OpenShift, for a user who may only request projects and for one who may make namespaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("kubernetes")
pytest.importorskip("openshift")

from ansible_collections.cdc.pipeline.tests.unit.fakes.cluster_api import FakeClusterApi
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

LEVEL = "pod-security.kubernetes.io/enforce"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "here", "labels": {LEVEL: "restricted"}}}
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "default-deny"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}
KEY = ("namespaces", "", "here")
REQUEST = ("POST", "apis/project.openshift.io/v1/projectrequests")
# What a self-provisioner may not, once there is a project.
ORDINARY = {"create namespaces", "patch namespaces", "delete namespaces"}


@pytest.fixture
def api():
    with FakeClusterApi(openshift=True) as fake:
        fake.denied, fake.hides = set(ORDINARY), True
        yield fake


@pytest.fixture
def run(api, run_module, tmp_path):
    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        given = {"kubeconfig": kubeconfig, "namespace": "here", "objects": [NAMESPACE, DENY], "projects": True}
        return run_module("kubernetes_objects", check=check, **{**given, **options})

    return call


def changes(api: FakeClusterApi) -> list[tuple[str, str]]:
    return [item for item in api.writes() if not item[1].endswith("reviews")]


def test_a_project_is_requested_where_a_namespace_is_forbidden(api, run):
    result = run()
    assert result["objects"] == ["Namespace here", "NetworkPolicy default-deny"]
    assert api.objects[KEY]["metadata"]["annotations"]["openshift.io/requester"] == "ops"
    assert changes(api).count(REQUEST) == 1
    assert f"oc label --overwrite namespace here {LEVEL}=restricted" in json.dumps(result["warnings"])


def test_a_second_run_changes_nothing_and_still_names_the_labels(api, run):
    run()
    before = dict(api.objects)
    api.calls.clear()
    result = run()
    assert (result["changed"], result["objects"]) == (False, [])
    assert api.objects == before
    assert REQUEST not in changes(api)
    assert LEVEL in json.dumps(result["warnings"])


def test_a_project_with_its_labels_is_only_read(api, run):
    run()
    api.objects[KEY]["metadata"]["labels"][LEVEL] = "restricted"
    api.calls.clear()
    result = run()
    assert (result["changed"], result.get("warnings")) == (False, None)
    assert changes(api) == []


def test_check_mode_says_the_same_and_requests_nothing(api, run):
    predicted = run(check=True)
    assert changes(api)[0][0] == "PATCH", "only the dry run that is refused"
    assert REQUEST not in changes(api)
    assert api.objects == {}
    made = run()
    assert (predicted["objects"], predicted["warnings"]) == (made["objects"], made["warnings"])
    assert predicted["diff"]["before"] == made["diff"]["before"]


def test_a_user_who_may_not_request_one_either_is_told_so_in_check_mode_too(api, run):
    api.denied.add("create projectrequests")
    for check in (True, False):
        with pytest.raises(ModuleFailed, match="The user ops may not patch namespaces"):
            run(check=check)
    assert api.objects == {}


def test_a_user_who_may_make_namespaces_makes_one_and_no_project(api, run):
    api.denied, api.hides = set(), False
    assert run()["changed"]
    assert api.objects[KEY]["metadata"]["labels"] == {LEVEL: "restricted"}
    assert not [call for call in api.calls if "project.openshift.io" in call.path]
    assert not run()["changed"]


def test_the_labels_of_a_namespace_that_an_administrator_made_are_no_matter_of_a_warning(api, run):
    api.add("namespaces", "here", metadata={"labels": {LEVEL: "privileged"}})
    with pytest.raises(ModuleFailed, match="The user ops may not patch namespaces"):
        run()


def test_a_user_who_may_only_see_the_project_reads_its_labels(api, run):
    run()
    api.objects[KEY]["metadata"]["labels"][LEVEL] = "restricted"
    api.denied.add("get namespaces")
    assert not run()["changed"]
    api.objects[KEY]["metadata"]["labels"][LEVEL] = "baseline"
    assert f"{LEVEL}=restricted" in json.dumps(run()["warnings"])


def test_a_project_is_deleted_where_deleting_a_namespace_is_forbidden(api, run):
    run()
    predicted = run(check=True, state="absent")
    assert predicted["objects"] == ["NetworkPolicy default-deny", "Namespace here"]
    assert KEY in api.objects, "not even a dry run is sent"
    assert run(state="absent")["objects"] == predicted["objects"]
    assert api.objects == {}
    assert not run(state="absent")["changed"]


def test_a_project_that_may_not_be_deleted(api, run):
    run()
    api.denied.add("delete projects")
    for check in (True, False):
        with pytest.raises(ModuleFailed, match="The user ops may not delete namespaces"):
            run(check=check, state="absent")


def test_elsewhere_nobody_asks_for_projects(api, run):
    with pytest.raises(ModuleFailed, match="The user ops may not get namespaces"):
        run(projects=False)
    assert not [call for call in api.calls if "project.openshift.io" in call.path]
