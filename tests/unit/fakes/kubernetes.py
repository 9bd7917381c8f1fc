# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster's API in memory, as :class:`Api` has it: server-side apply with owners of fields, controllers with pods.

``broken`` says what becomes of new pods; None makes them ready at once.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.faults import Status, fault
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.kinds import KINDS

Document = dict[str, Any]


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Fields and their values, lists as a whole."""
    if isinstance(value, Mapping):
        return {key: item for name, part in value.items() for key, item in leaves(part, f"{path}.{name}").items()}
    return {path: value}


class FakeApi:
    """The cluster. ``calls`` holds what was changed, as (verb, kind, name)."""

    def __init__(self, namespace: str = "data-ingestion") -> None:
        self.namespace, self.server = namespace, "https://cluster"
        self.objects: dict[tuple[str, str], Document] = {}
        # Who owns which field of which object besides cdc-pipeline.
        self.owners: dict[tuple[str, str], dict[str, str]] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.logs: dict[str, str] = {}
        self.forbidden: set[tuple[str, str]] = set()
        self.broken: Callable[[Document], Document] | None = None
        # Whether the volumes' class lets their claims grow.
        self.expands = True
        self.makes_pods = True
        self._uids = itertools.count(1)

    def require(self) -> None:
        pass

    def get(self, kind: str, name: str, namespace: str | None = None) -> Document | None:
        self._check("get", kind, name)
        self._control()
        return copy.deepcopy(self.objects.get((kind, name)))

    def list(self, kind: str, selector: str = "", fields: str = "", everywhere: bool = False) -> list[Document]:
        self._check("list", kind, None)
        self._control()
        parts = [item.partition("=") for item in selector.split(",") if item]
        return [
            copy.deepcopy(item)
            for (found, _name), item in sorted(self.objects.items())
            if found == kind
            and all(
                key in (labels := item["metadata"].get("labels") or {}) and (not equals or labels[key] == value)
                for key, equals, value in parts
            )
        ]

    def apply(self, manifest: Mapping[str, Any], dry: bool = False, force: bool = False) -> Document:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        self._check("patch", kind, name)
        key = (kind, name)
        present = self.objects.get(key)
        owners = self.owners.get(key, {})
        now = leaves(present or {})
        clashes = [
            {"reason": "FieldManagerConflict", "message": f'conflict with "{owners[field]}" using v1', "field": field}
            for field, value in leaves(manifest).items()
            if field in owners and now.get(field) != value
        ]
        if clashes and not force:
            raise fault(
                Status(409, {"message": "Apply failed", "details": {"causes": clashes}}),
                "patch",
                KINDS[kind],
                name,
                self.namespace,
            )
        claims = [(item or {}).get("spec", {}).get("volumeClaimTemplates") for item in (present, manifest)]
        if present is not None and claims[0] != claims[1]:
            text = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"
            raise fault(Status(422, {"message": text}), "patch", KINDS[kind], name, self.namespace)
        after = copy.deepcopy({**(present or {}), **manifest})
        after["metadata"] = {**(present or {}).get("metadata", {}), **copy.deepcopy(manifest["metadata"])}
        metadata = after["metadata"]
        metadata.setdefault("uid", f"uid-{next(self._uids)}")
        if present is None or present.get("spec") != after.get("spec"):
            metadata["generation"] = int(metadata.get("generation") or 0) + 1
        metadata["resourceVersion"] = str(next(self._uids))
        if dry:
            return after
        if present is None or leaves(present.get("spec")) != leaves(after.get("spec")) or clashes:
            self.calls.append(("apply", kind, name))
        self.objects[key] = after
        for clash in clashes:
            owners.pop(clash["field"], None)
        return copy.deepcopy(after)

    def merge(self, kind: str, name: str, patch: Mapping[str, Any], dry: bool = False) -> Document:
        self._check("patch", kind, name)
        if kind == "PersistentVolumeClaim" and not self.expands:
            text = f'persistentvolumeclaims "{name}" is forbidden: the storageclass must support resize'
            raise fault(Status(403, {"message": text}), "patch", KINDS[kind], name, self.namespace)
        if dry:
            return copy.deepcopy(self.objects[(kind, name)])
        self.calls.append(("merge", kind, name))
        found = self.objects[(kind, name)]

        def lay(base: Document, over: Mapping[str, Any]) -> None:
            for key, value in over.items():
                if isinstance(value, Mapping):
                    lay(base.setdefault(key, {}), value)
                else:
                    base[key] = value

        lay(found, patch)
        found["metadata"]["generation"] = int(found["metadata"].get("generation") or 0) + 1
        return copy.deepcopy(found)

    def delete(self, kind: str, name: str, dry: bool = False, orphan: bool = False, uid: str | None = None) -> bool:
        self._check("delete", kind, name)
        found = self.objects.get((kind, name))
        if found is None or (uid and found["metadata"]["uid"] != uid):
            return False
        self.calls.append(("delete", kind, name))
        del self.objects[(kind, name)]
        for key, item in list(self.objects.items()):
            if orphan:
                item["metadata"].pop("owner", None)
            elif key[0] == "Pod" and item["metadata"].get("owner") == found["metadata"]["uid"]:
                del self.objects[key]
        return True

    def log(self, pod: str, container: str, previous: bool = False, lines: int = 200) -> str:
        return self.logs.get(pod, "")

    def read(self, path: str) -> Document | None:
        return None

    def edit(self, kind: str, name: str, field: str, value: Any, manager: str = "kubectl-edit") -> None:
        """As somebody else does it. ``field`` is a path with dots, from the outermost key."""
        item: Any = self.objects[(kind, name)]
        *path, last = field.strip(".").split(".")
        for part in path:
            item = item[part]
        item[last] = value
        self.owners.setdefault((kind, name), {})["." + field.strip(".")] = manager

    def put(self, document: Document) -> None:
        """An object of somebody else."""
        document["metadata"].setdefault("uid", f"uid-{next(self._uids)}")
        self.objects[(document["kind"], document["metadata"]["name"])] = document

    def changed(self, verb: str, kind: str) -> list[str]:
        return [name for did, what, name in self.calls if (did, what) == (verb, kind)]

    def _check(self, verb: str, kind: str, name: str | None) -> None:
        if (verb, kind) in self.forbidden:
            text = f'{KINDS[kind].resource} is forbidden: User "jane" cannot {verb} resource "{KINDS[kind].plural}"'
            raise fault(Status(403, {"message": text}), verb, KINDS[kind], name, self.namespace)

    def _control(self) -> None:
        """What the controllers do: every stateful set and deployment has its pods."""
        for (kind, name), item in list(self.objects.items()):
            if kind in ("StatefulSet", "Deployment"):
                self._pods(kind, name, item)

    def _pods(self, kind: str, name: str, item: Document) -> None:
        spec, uid = item["spec"], item["metadata"]["uid"]
        text = json.dumps(spec["template"], sort_keys=True)
        revision = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        wanted = int(spec["replicas"])
        for (found, pod_name), pod in self.objects.items():
            if found == "Pod" and pod_name.startswith(f"{name}-"):
                pod["metadata"].setdefault("owner", uid)
        own = {
            key[1]: pod for key, pod in self.objects.items() if key[0] == "Pod" and pod["metadata"].get("owner") == uid
        }
        rolls = kind == "Deployment" or spec.get("updateStrategy", {}).get("type") == "RollingUpdate"
        for index, (pod_name, pod) in enumerate(sorted(own.items())):
            old = pod["metadata"]["labels"]["controller-revision-hash"] != revision
            if index >= wanted or (old and rolls):
                del self.objects[("Pod", pod_name)]
        for ordinal in range(wanted if self.makes_pods else 0):
            pod_name = f"{name}-{ordinal}"
            if ("Pod", pod_name) not in self.objects:
                self.objects[("Pod", pod_name)] = self._pod(pod_name, uid, revision, spec["template"])
        item["status"] = {
            "observedGeneration": item["metadata"]["generation"],
            "updateRevision": revision,
            "updatedReplicas": wanted,
        }

    def _pod(self, name: str, owner: str, revision: str, template: Document) -> Document:
        container = template["spec"]["containers"][0]
        pod: Document = {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "uid": f"uid-{next(self._uids)}",
                "owner": owner,
                "labels": {**template["metadata"]["labels"], "controller-revision-hash": revision},
                "annotations": dict(template["metadata"].get("annotations", {})),
            },
            "spec": {**copy.deepcopy(template["spec"]), "nodeName": "node-1"},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": container["name"],
                        "image": container["image"],
                        "restartCount": 0,
                        "state": {"running": {}},
                    }
                ],
            },
        }
        return self.broken(pod) if self.broken else pod


def waits(reason: str, message: str = "", restarts: int = 0, last: Document | None = None) -> Any:
    """For ``broken``: a container that waits."""

    def spoil(pod: Document) -> Document:
        pod["status"]["phase"] = "Pending"
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        pod["status"]["containerStatuses"][0] |= {
            "restartCount": restarts,
            "state": {"waiting": {"reason": reason, "message": message}},
            "lastState": {"terminated": last} if last else {},
        }
        return pod

    return spoil
