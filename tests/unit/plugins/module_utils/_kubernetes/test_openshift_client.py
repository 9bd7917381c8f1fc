# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routes and Projects by the library `openshift`, whose dynamic client talks to the API server in memory."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kubernetes")
pytest.importorskip("openshift")

from ansible_collections.cdc.pipeline.plugins.module_utils._errors import MissingLibraryError, RefusedError
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes import api as api_module
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import Api, connect
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.faults import StatusError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.apply import apply
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.remove import Keeper
from ansible_collections.cdc.pipeline.tests.unit.fakes.cluster_api import FakeClusterApi
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import Reply
from openshift import dynamic

LABELS = {"app.kubernetes.io/name": "archive", "app.kubernetes.io/part-of": "cdc-pipeline"}
LABELS |= {"app.kubernetes.io/managed-by": "ansible", "cdc-pipeline/workload": "archive"}
KEY = ("routes", "here", "archive")


def route(host: str = "archive.apps.example.com") -> dict[str, Any]:
    spec = {"host": host, "to": {"kind": "Service", "name": "archive"}, "tls": {"termination": "edge"}}
    metadata = {"name": "archive", "namespace": "here", "labels": LABELS}
    return {"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": metadata, "spec": spec}


@pytest.fixture
def server():
    with FakeClusterApi(openshift=True) as fake:
        fake.add("namespaces", "here")
        yield fake


@pytest.fixture
def api(server, tmp_path) -> Api:
    return connect(server.kubeconfig(tmp_path / "kubeconfig"), "", "here")


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, str]]:
    """What goes through OpenShift's dynamic client."""
    found: list[tuple[str, str]] = []
    plain = dynamic.DynamicClient.request

    def noted(self: Any, method: str, path: str, *args: Any, **params: Any) -> Any:
        found.append((method.upper(), path))
        return plain(self, method, path, *args, **params)

    monkeypatch.setattr(dynamic.DynamicClient, "request", noted)
    return found


def test_a_route_is_made_by_openshifts_client_and_a_second_run_changes_nothing(server, api, sent):
    first = apply(api, route(), None, dry=False)
    assert (first.before, first.differs) == (None, True)
    assert server.objects[KEY]["spec"]["host"] == "archive.apps.example.com"
    assert not apply(api, route(), None, dry=False).differs
    one = "/apis/route.openshift.io/v1/namespaces/here/routes/archive"
    assert [item for item in sent if item[1] == one] == [("GET", one), ("PATCH", one)] * 2
    assert sent.count(("GET", "apis/route.openshift.io/v1")) == 1, "discovery, once"


def test_a_changed_route_is_patched(server, api):
    apply(api, route(), None, dry=False)
    change = apply(api, route("other.example.com"), None, dry=False)
    assert change.before["spec"]["host"] == "archive.apps.example.com"
    assert change.after["spec"]["host"] == server.objects[KEY]["spec"]["host"] == "other.example.com"


def test_a_route_in_check_mode_is_left_alone(server, api):
    assert apply(api, route(), None, dry=True).differs
    assert KEY not in server.objects
    apply(api, route(), None, dry=False)
    assert apply(api, route("other.example.com"), None, dry=True).differs
    assert server.objects[KEY]["spec"]["host"] == "archive.apps.example.com"


def test_a_route_changed_by_hand_is_set_back_and_a_controllers_is_an_error(server, api):
    apply(api, route(), None, dry=False)
    server.conflicting = [("oc", ".spec.host")]
    apply(api, route("other.example.com"), None, dry=False)
    assert server.objects[KEY]["spec"]["host"] == "other.example.com"
    server.conflicting = [("router-sharder", ".spec.host")]
    with pytest.raises(RefusedError) as error:
        apply(api, route(), None, dry=False)
    assert ".spec.host belongs to router-sharder" in error.value.message


def test_routes_are_found_by_their_label_and_removed(server, api, sent):
    apply(api, route(), None, dry=False)
    server.add("routes", "foreign", "here", metadata={"labels": {"cdc-pipeline/workload": "other"}})
    server.add("services", "archive", "here", metadata={"labels": LABELS})
    assert [item["kind"] for item in api.list("Route", "cdc-pipeline/workload=archive")] == ["Route"]
    report = Keeper(api, "archive", 5, dry=True, openshift=True).remove(purge_data=False)
    assert report.removed == ["Route archive", "Service archive"]
    assert KEY in server.objects
    Keeper(api, "archive", 5, dry=False, openshift=True).remove(purge_data=False)
    assert [key for key in server.objects if key[0] == "routes"] == [("routes", "here", "foreign")]
    assert not api.delete("Route", "archive")
    assert not [path for _method, path in sent if "/services" in path], "no other kind goes through it"


def test_a_route_that_is_absent_or_forbidden(server, api):
    assert api.get("Route", "archive") is None
    server.denied = {"patch routes"}
    with pytest.raises(StatusError, match=r"The user ops may not patch routes\.route\.openshift\.io"):
        api.apply(route())


def test_a_project_is_requested_read_and_deleted(server, api, sent):
    made = api.create({"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": {"name": "new"}})
    assert (made["kind"], made["metadata"]["annotations"]["openshift.io/requester"]) == ("Project", "ops")
    assert api.get("Project", "new")["metadata"]["labels"] == {"kubernetes.io/metadata.name": "new"}
    assert api.delete("Project", "new")
    assert api.get("Project", "new") is None
    base = "/apis/project.openshift.io/v1"
    assert [item for item in sent if item[1].startswith(f"{base}/")] == [
        ("POST", f"{base}/projectrequests"),
        ("GET", f"{base}/projects/new"),
        ("DELETE", f"{base}/projects/new"),
        ("GET", f"{base}/projects/new"),
    ]


def test_somebody_elses_project(server, api):
    with pytest.raises(StatusError, match="There is a project here already, which is not this user's") as error:
        api.create({"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": {"name": "here"}})
    assert "oc adm policy add-role-to-user admin USER -n here" in error.value.message


@pytest.mark.parametrize("groups", [{}, {"route.openshift.io": []}])
def test_a_cluster_that_does_not_serve_routes_is_not_one_without_this_route(server, api, groups):
    server.groups = groups
    with pytest.raises(StatusError, match="503") as error:
        api.get("Route", "archive")
    assert "does not serve routes.route.openshift.io" in error.value.message


def test_a_server_that_is_busy_is_asked_again(server, api, monkeypatch):
    monkeypatch.setattr(api_module.time, "sleep", lambda _seconds: None)
    apply(api, route(), None, dry=False)
    server.disturbances = [Reply(503, {"message": "busy"}), None]
    assert api.get("Route", "archive")["spec"]["host"] == "archive.apps.example.com"


def test_discovery_leaves_no_file_behind_and_trusts_none(server, api, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "shared"))
    Path(tempfile.tempdir).mkdir()
    api.get("Route", "archive")
    assert not list(Path(tempfile.tempdir).iterdir())


def test_the_library_is_only_needed_for_openshifts_kinds(server, api, monkeypatch):
    monkeypatch.setitem(sys.modules, "openshift.dynamic", None)
    assert api.get("Namespace", "here") is not None
    with pytest.raises(MissingLibraryError, match="openshift") as error:
        api.get("Route", "archive")
    assert "pip install openshift" in error.value.message
