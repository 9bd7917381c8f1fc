# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects of a cluster that are there as stated, or are gone.

An object that is as stated is only read, so that a user who may not write it can run the same play.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._errors import DeadlineError, InvalidError, RefusedError
from .._module import Outcome
from .._wait import Deadline, wait_for
from .api import MANAGER, Api, connect
from .faults import StatusError, conflicts, owned_by_others
from .kinds import KINDS
from .project import ProjectApi, unset_labels

Document = dict[str, Any]
# What surrounds workloads. Secrets are none of it: their content would stand in results and diffs.
_KNOWN = (
    "Namespace", "ServiceAccount", "NetworkPolicy", "ResourceQuota", "LimitRange", "StorageClass",
    "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "PodMonitor", "Probe", "PrometheusRule",
)  # fmt: skip
_OWN_METADATA = ("name", "namespace", "labels", "annotations")
# What a StorageClass says of volumes holds for those that it made, so the API server lets nobody change it.
_FIXED = {"StorageClass": "allowVolumeExpansion"}
# Of a kind that the cluster does not serve, or on which the user has no rights, there is nothing that could be removed.
_NOT_ASKED = (403, 404)


def perform(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Bring every object to its state, in the order in which they are given; when they go, in reverse.

    :param params: the options of the module `kubernetes_objects`.
    :raises PipelineError: the API refuses one; those before it have been made.
    """
    objects = params["objects"]
    problems = [problem for number, item in enumerate(objects) for problem in _problems(number, item)]
    problems += [f"{kind} is not a known kind" for kind in _named(params) if kind not in _KNOWN]
    if problems:
        raise InvalidError("The objects cannot be used", why="; ".join(problems), remedy="correct the list")
    api = connect(params["kubeconfig"], params["context"], params["namespace"])
    if params["projects"]:
        api = ProjectApi(api.client, api.namespace)
    absent = params["state"] == "absent"
    unserved = {kind for kind in params["optional"] if not served(api, kind)}
    objects = [item for item in objects if item["kind"] not in unserved]
    ordered = list(reversed(objects)) if absent else objects
    step = remove if absent else ensure
    changes = [(item, *step(api, item, check_mode)) for item in ordered]
    changes += [(item, *remove(api, item, check_mode)) for item in _others(api, params["prune"], objects)]
    if absent and not check_mode:
        wait_until_gone(api, ordered, params["timeout"])
    warnings = [
        unset_labels(item, after)
        for item, _before, after in changes
        if params["projects"] and item["kind"] == "Namespace" and after is not None
    ]
    different = [(label(item), before, after) for item, before, after in changes if before != after]
    return Outcome(
        changed=bool(different),
        before={name: before for name, before, _after in different},
        after={name: after for name, _before, after in different},
        facts={"objects": [name for name, _before, _after in different]},
        warnings=[text for text in warnings if text],
    )


def served(api: Api, kind: str) -> bool:
    """Whether the cluster has this kind. Everybody may ask."""
    known = KINDS[kind]
    found = api.read(f"/apis/{known.group}/{known.version}") or {}
    return any(item.get("kind") == kind for item in found.get("resources") or ())


def _named(params: Mapping[str, Any]) -> list[str]:
    return [*params["optional"], *((params["prune"] or {}).get("kinds") or ())]


def _others(api: Api, prune: Mapping[str, Any] | None, objects: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
    """What ``prune`` names and ``objects`` does not have."""
    if not prune:
        return
    stated = {label(item) for item in objects}
    chosen = ",".join(f"{key}={value}" for key, value in prune["labels"].items())
    for kind in prune["kinds"]:
        try:
            found = api.list(kind, chosen)
        except StatusError as error:
            if error.status.code not in _NOT_ASKED:
                raise
            continue
        yield from (item for item in found if label(item) not in stated)


def _problems(number: int, item: Any) -> Iterator[str]:
    if not isinstance(item, Mapping) or not (item.get("metadata") or {}).get("name"):
        yield f"item {number} has no metadata.name"
    elif item.get("kind") not in _KNOWN:
        yield f"item {number} is of kind {item.get('kind')}; known are {', '.join(sorted(_KNOWN))}"


def label(item: Mapping[str, Any]) -> str:
    """`NetworkPolicy default-deny`."""
    return f"{item['kind']} {item['metadata']['name']}"


def ensure(api: Api, wanted: Mapping[str, Any], check_mode: bool) -> tuple[Document | None, Document | None]:
    """The object before and after, without what the server adds."""
    found = api.get(wanted["kind"], wanted["metadata"]["name"])
    if found is not None and not differences(wanted, found):
        return shown(found), shown(found)
    _refuse_fixed(wanted, found)
    try:
        made = _apply(api, wanted, check_mode)
    except StatusError as error:
        # Nothing can be tried out in a namespace that is still to be made.
        if not (check_mode and error.status.code == 404 and KINDS[wanted["kind"]].namespaced):
            raise
        made = {**wanted}
    return (None if found is None else shown(found)), shown(made)


def remove(api: Api, wanted: Mapping[str, Any], check_mode: bool) -> tuple[Document | None, Document | None]:
    """The object before, and nothing after."""
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    found = api.get(kind, name)
    if found is None or found["metadata"].get("deletionTimestamp"):
        return None, None
    api.delete(kind, name, dry=check_mode)
    return shown(found), None


def wait_until_gone(api: Api, objects: Sequence[Mapping[str, Any]], timeout: float) -> None:
    """A namespace goes only when all in it has gone."""

    def gone() -> bool | None:
        left[:] = [item for item in objects if api.get(item["kind"], item["metadata"]["name"]) is not None]
        return None if left else True

    left: list[Mapping[str, Any]] = []
    if wait_for(gone, Deadline(timeout)) is None:
        names = ", ".join(label(item) for item in left)
        raise DeadlineError(
            f"{names} {'is' if len(left) == 1 else 'are'} still there {timeout:.0f} s after the removal began",
            where=api.server,
            remedy="see what is left (kubectl get all,pvc -n NAMESPACE, kubectl describe namespace), and run again",
        )


def _apply(api: Api, wanted: Mapping[str, Any], dry: bool) -> Document:
    try:
        return api.apply(wanted, dry)
    except StatusError as error:
        found = conflicts(error.status)
        if not found:
            raise
    if not all(item.by_hand for item in found):
        raise owned_by_others(KINDS[wanted["kind"]], wanted["metadata"]["name"], api.namespace, found)
    return api.apply(wanted, dry, force=True)


def _refuse_fixed(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
    free = _FIXED.get(wanted["kind"])
    if free is None or found is None:
        return
    fixed = [item for item in differences(wanted, found) if item.split(".")[0] not in ("metadata", free)]
    if fixed:
        name = wanted["metadata"]["name"]
        raise RefusedError(
            f"The storage class {name} is there with other settings, and a storage class cannot be changed",
            where=", ".join(fixed),
            why="; ".join(f"{key} is {found.get(key)!r}, not {wanted.get(key)!r}" for key in fixed),
            remedy=f"`kubectl delete storageclass {name}`, which leaves its volumes as they are, and run again; "
            "or leave the class as it is: take it out of storage_classes",
        )


def shown(item: Mapping[str, Any]) -> Document:
    """An object without status and without what the server keeps for itself."""
    metadata = {key: value for key, value in item["metadata"].items() if key in _OWN_METADATA and value}
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": metadata}


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Places in which the object that was found is not as stated: another value, or one that was stated earlier and no
    longer is.
    """
    stated = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    return [*_lacking(stated, found, ""), *_stale(stated, found)]


def _lacking(wanted: Any, found: Any, place: str) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            # What is stated as empty, the server leaves out.
            if value in ({}, [], None) and found.get(key) in ({}, [], None):
                continue
            yield from _lacking(value, found.get(key), f"{place}.{key}" if place else str(key))
    elif isinstance(wanted, Sequence) and isinstance(found, Sequence) and not isinstance(wanted, str):
        if len(wanted) != len(found):
            yield place
            return
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _lacking(one, other, f"{place}[{number}]")
    elif wanted != found:
        yield place


def _stale(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What this collection has applied and no longer states, which the next apply takes away."""
    for entry in found["metadata"].get("managedFields") or ():
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply":
            yield from _unstated(entry.get("fieldsV1") or {}, wanted, "")


def _unstated(owned: Mapping[str, Any], wanted: Any, place: str) -> Iterator[str]:
    for key, inner in owned.items():
        kind, _colon, name = key.partition(":")
        if kind == "f":
            where = f"{place}.{name}" if place else name
            if not isinstance(wanted, Mapping) or name not in wanted:
                yield where
            else:
                yield from _unstated(inner, wanted[name], where)
        elif kind == "k" and isinstance(wanted, Sequence):
            keys = json.loads(name)
            matching = [item for item in wanted if all(item.get(field) == value for field, value in keys.items())]
            if not matching:
                yield f"{place}[{name}]"
            else:
                yield from _unstated(inner, matching[0], f"{place}[{name}]")
        elif kind == "v" and isinstance(wanted, Sequence) and json.loads(name) not in wanted:
            yield f"{place}[{name}]"
