# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Kubernetes API server that keeps objects, knows who may do what, and answers reviews."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.kinds import KINDS

from .http import Call, FakeServer, Reply

# Plural, kind, whether it is of a namespace, and verbs, as a server of OpenShift 4 lists them.
OPENSHIFT = {
    "route.openshift.io": [
        ("routes", "Route", True, ["create", "delete", "get", "list", "patch", "update", "watch"]),
        ("routes/status", "Route", True, ["get", "patch", "update"]),
    ],
    "project.openshift.io": [
        ("projectrequests", "ProjectRequest", False, ["create", "list"]),
        ("projects", "Project", False, ["create", "delete", "get", "list", "patch", "update", "watch"]),
    ],
}
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


class FakeClusterApi(FakeServer):
    """
    :ivar objects: by plural, namespace ("" for none) and name.
    :ivar denied: what the user may not, such as `list nodes`, `get pods/log` or `create namespaces`.
    :ivar groups: what OpenShift adds, by group; empty on another cluster. Projects are its view of the namespaces.
    :ivar serves: groups of resource definitions that the cluster has, such as cert-manager.io.
    :ivar lacks: groups that it has not, beside those of OpenShift, cert-manager and Prometheus' operator.
    :ivar hides: whether the user has no rights but in projects: what is not there is forbidden, and the user becomes
        the administrator of a project by requesting it, who may read and delete it.
    :ivar conflicting: what a server-side apply without force is refused for: managers and fields.
    """

    def __init__(self, version: str = "v1.34.4", openshift: bool = False) -> None:
        super().__init__()
        self.groups = dict(OPENSHIFT) if openshift else {}
        self.serves: set[str] = set()
        self.lacks: set[str] = set()
        self.hides = False
        self.version = version
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.denied: set[str] = set()
        self.conflicting: list[tuple[str, str]] = []

    def kubeconfig(self, path: Path) -> str:
        """Write one that leads here; the context is `fake`."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "c", "user": "u"}}],
        }
        path.write_text(json.dumps(document))
        return str(path)

    def add(self, plural: str, name: str, namespace: str = "", **parts: Any) -> None:
        self.objects[plural, namespace, name] = {**parts, "metadata": {"name": name, **parts.get("metadata", {})}}

    def answer(self, call: Call) -> Any:
        if call.path == ("version",):
            return {"gitVersion": self.version}
        if call.path[0] == "apis" and self._discovers(call.path):
            return self._discovery(call.path)
        if call.path == ("version", "openshift") or self._lacks_group(call.path):
            raise _status(404, "the server could not find the requested resource")
        if call.path[0] == "apis" and len(call.path) < 4:
            kinds = [kind for kind in KINDS.values() if kind.group == call.path[1]]
            return {
                "kind": "APIResourceList",
                "resources": [{"name": kind.plural, "kind": kind.name} for kind in kinds],
            }
        rest = call.path[2:] if call.path[0] == "api" else call.path[3:]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name = rest[0], rest[1] if len(rest) > 1 else ""
        if plural.startswith("selfsubject"):
            return self._review(plural, call.body)
        verb = _VERBS.get(call.method) or ("get" if name else "list")
        if f"{verb} {plural}" in self.denied:
            raise _status(403, f'{plural} is forbidden: User "ops" cannot {verb} resource "{plural}"')
        place = name if plural == "projects" or (plural == "namespaces" and name) else namespace
        if self.hides and place and ("namespaces", "", place) not in self.objects:
            raise _status(403, f'{plural} is forbidden: User "ops" cannot {verb} resource "{plural}"')
        if plural == "projectrequests":
            return self._request(call.body["metadata"]["name"])
        if plural == "projects":
            found = getattr(self, f"_{verb}")(("namespaces", "", name), call)
            return {**found, "apiVersion": "project.openshift.io/v1", "kind": "Project"}
        if verb == "list":
            found = [item for key, item in self.objects.items() if key[0] == plural and namespace in ("", key[1])]
            return {"items": [item for item in found if _chosen(item, call.query.get("labelSelector", ""))]}
        return getattr(self, f"_{verb}")((plural, namespace, name), call)

    def _discovers(self, path: tuple[str, ...]) -> bool:
        return len(path) == 1 or (len(path) == 3 and path[1] in self.groups)

    def _lacks_group(self, path: tuple[str, ...]) -> bool:
        if path[0] != "apis" or path[1] in self.groups or path[1] in self.serves:
            return False
        return path[1] in self.lacks or path[1].endswith((".openshift.io", "cert-manager.io", "monitoring.coreos.com"))

    def _discovery(self, path: tuple[str, ...]) -> Any:
        if len(path) == 3:
            resources = [
                {"name": plural, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": verbs}
                for plural, kind, namespaced, verbs in self.groups[path[1]]
            ]
            group = f"{path[1]}/{path[2]}"
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": resources}
        versions = {group: {"groupVersion": f"{group}/v1", "version": "v1"} for group in self.groups}
        groups = [{"name": key, "versions": [item], "preferredVersion": item} for key, item in versions.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _request(self, name: str) -> Any:
        if ("namespaces", "", name) in self.objects:
            raise _status(409, f'project.project.openshift.io "{name}" already exists')
        notes = {"openshift.io/requester": "ops", "openshift.io/sa.scc.uid-range": "1000660000/10000"}
        labels = {"kubernetes.io/metadata.name": name}
        made = {"apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]}}
        self.add("namespaces", name, **made, metadata={"annotations": notes, "labels": labels})
        return {**self.objects["namespaces", "", name], "apiVersion": "project.openshift.io/v1", "kind": "Project"}

    def _get(self, key: tuple[str, str, str], call: Call) -> Any:
        if key not in self.objects:
            raise _status(404, f'{key[0]} "{key[2]}" not found')
        return self.objects[key]

    def _patch(self, key: tuple[str, str, str], call: Call) -> Any:
        if key[1] and ("namespaces", "", key[1]) not in self.objects:
            raise _status(404, f'namespaces "{key[1]}" not found')
        if self.conflicting and not call.query.get("force"):
            causes = [
                {"reason": "FieldManagerConflict", "message": f'conflict with "{item[0]}"', "field": item[1]}
                for item in self.conflicting
            ]
            raise _status(409, "Apply failed", details={"causes": causes})
        stated = {name: part for name, part in call.body.items() if name not in ("apiVersion", "kind")}
        stated["metadata"] = {name: part for name, part in stated["metadata"].items() if name != "name"}
        owned = {"manager": "cdc-pipeline", "operation": "Apply", "fieldsV1": _fields(stated)}
        before = copy.deepcopy(self.objects.get(key, {}))
        made = _merge(_without(before, before.get("metadata", {}).pop("managedFields", []), call.body), call.body)
        made["metadata"] |= {"managedFields": [owned], "uid": "1"}
        if not call.query.get("dryRun"):
            self.objects[key] = made
        return made

    def _delete(self, key: tuple[str, str, str], call: Call) -> Any:
        found = self._get(key, call)
        # The worst case: a server that does not know dryRun for projects.
        if call.path[3:4] == ("projects",) or not (call.body or {}).get("dryRun"):
            del self.objects[key]
        return found

    def _review(self, plural: str, body: Mapping[str, Any]) -> Any:
        if plural == "selfsubjectreviews":
            return {**body, "status": {"userInfo": {"username": "ops"}}}
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, [asked["resource"], asked.get("subresource")]))
        return {**body, "status": {"allowed": f"{asked['verb']} {resource}" not in self.denied}}


def _chosen(item: Mapping[str, Any], selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    parts = [part.partition("=") for part in selector.split(",") if part]
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in parts)


def _status(code: int, message: str, **parts: Any) -> Reply:
    return Reply(code, {"kind": "Status", "code": code, "message": message, **parts})


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}
    return copy.deepcopy(over)


def _fields(body: Any) -> dict[str, Any]:
    """Maps all the way down; lists as a whole."""
    return {f"f:{key}": _fields(value) for key, value in body.items()} if isinstance(body, Mapping) else {}


def _without(base: dict[str, Any], managed: list[dict[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    """What was applied earlier and is not stated any more goes."""

    def prune(found: dict[str, Any], owned: Mapping[str, Any], wanted: Any) -> None:
        for key, inner in owned.items():
            name = key[2:]
            if not isinstance(wanted, Mapping) or name not in wanted:
                found.pop(name, None)
            elif isinstance(found.get(name), dict):
                prune(found[name], inner, wanted[name])

    for entry in managed:
        prune(base, entry["fieldsV1"], body)
    return base
