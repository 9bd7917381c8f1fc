# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A namespace of OpenShift for a user who may not write namespaces: a project, which one requests, reads and deletes.

Whoever requests a project becomes its administrator. Until then every request about it is forbidden, so 403 is also the
answer for a project that does not exist. Its labels stay with the cluster's administrator: a request has none, and a
project's labels cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .api import Api
from .faults import StatusError
from .kinds import KINDS
from .rights import Right, ask

Document = dict[str, Any]
Value = TypeVar("Value")

# OpenShift notes in a project who requested it; a namespace that an administrator made has no such note.
_REQUESTER = "openshift.io/requester"


class ProjectApi(Api):
    """The API of a cluster where what the user may not do with a namespace is done with its project."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> Document | None:
        if kind == "Namespace":
            return self._namespace(name)
        return self._unless_no_project(kind, lambda: super(ProjectApi, self).get(kind, name, namespace), None)

    def apply(self, manifest: Mapping[str, Any], dry: bool = False, force: bool = False) -> Document:
        kind = manifest["kind"]

        def applied() -> Document:
            return super(ProjectApi, self).apply(manifest, dry, force)

        if kind != "Namespace":
            # Only in check mode is there no project by now.
            return self._unless_no_project(kind, applied, {**manifest}) if dry else applied()
        try:
            return applied()
        except StatusError as error:
            if error.status.code != 403:
                raise
            name = manifest["metadata"]["name"]
            found = self._namespace(name)
            if found is None and may_request(self):
                return self._request(name, dry)
            if found is not None and _REQUESTER in (found["metadata"].get("annotations") or {}):
                return found
            raise

    def delete(self, kind: str, name: str, dry: bool = False, orphan: bool = False, uid: str | None = None) -> bool:
        try:
            return super().delete(kind, name, dry, orphan, uid)
        except StatusError as error:
            if kind != "Namespace" or error.status.code != 403 or not _may(self, "projects", "delete", name):
                raise
        # OpenShift's server for projects is not known to honour dryRun, so check mode asks for the right alone.
        return dry or super().delete("Project", name)

    def _namespace(self, name: str) -> Document | None:
        return find_namespace(super().get, name)

    def _request(self, name: str, dry: bool) -> Document:
        # As in delete(): not even a dry run is sent.
        if dry:
            return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        made = self.create(
            {"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": {"name": name}}
        )
        return _as_namespace(made)

    def _unless_no_project(self, kind: str, call: Callable[[], Value], otherwise: Value) -> Value:
        try:
            return call()
        except StatusError as error:
            if error.status.code == 403 and KINDS[kind].namespaced and self._namespace(self.namespace) is None:
                return otherwise
            raise


def find_namespace(get: Callable[[str, str], Document | None], name: str) -> Document | None:
    """The namespace, or what its project shows of it; None where there is none that the user may look at.

    :param get: reads an object by kind and name; OpenShift's kinds need the library `openshift`.
    """
    for kind in ("Namespace", "Project"):
        try:
            found = get(kind, name)
        except StatusError as error:
            if error.status.code != 403:
                raise
        else:
            return None if found is None else _as_namespace(found)
    return None


def may_request(api: Api) -> bool:
    """Whether the user may request a project."""
    return _may(api, "projectrequests", "create", "")


def unset_labels(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """A warning that names the labels that a project lacks; empty where it has all."""
    name, labels = wanted["metadata"]["name"], wanted["metadata"].get("labels") or {}
    has = made["metadata"].get("labels") or {}
    lacking = " ".join(f"{key}={value}" for key, value in labels.items() if has.get(key) != value)
    if not lacking:
        return ""
    return (
        f"the user may not set the labels of the project {name}; have an administrator run "
        f"`oc label --overwrite namespace {name} {lacking}`"
    )


def _as_namespace(project: Mapping[str, Any]) -> Document:
    return {**project, "apiVersion": "v1", "kind": "Namespace"}


def _may(api: Api, resource: str, verb: str, namespace: str) -> bool:
    return not ask(api.create, [Right("project.openshift.io", resource, verb, namespace)])
