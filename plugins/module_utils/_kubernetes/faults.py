# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the API server refuses, as errors that say why and what to do. Pure: a status in, an exception out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import FailedError, PipelineError, RefusedError, UnreachableError
from .kinds import Kind

# Managers that are a person's hand, not a controller that would take the field back at once.
_BY_HAND = re.compile(r"(kubectl|oc|k9s|Lens|node-fetch|Mozilla|cdc-pipeline)\b")
_MANAGER = re.compile(r'conflict with "([^"]+)"')
_USER = re.compile(r'User "([^"]+)"')


@dataclass(frozen=True)
class Status:
    """An answer of the API server that is no success. ``document`` is its Status object, empty where it sent none."""

    code: int
    document: Mapping[str, Any]
    text: str = ""

    @property
    def message(self) -> str:
        return str(self.document.get("message") or self.text or f"status {self.code}")

    @property
    def reason(self) -> str:
        return str(self.document.get("reason") or "")

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        return (self.document.get("details") or {}).get("causes") or ()


class StatusError(PipelineError):
    """The API server refused a request.

    :param status: its answer.
    """

    def __init__(self, what: str, *, status: Status, **parts: Any) -> None:
        super().__init__(what, **parts)
        self.status = status


@dataclass(frozen=True)
class Conflict:
    """A field that another manager owns with another value."""

    manager: str
    field: str

    @property
    def by_hand(self) -> bool:
        """Whether a person changed it, by kubectl or the like."""
        return bool(_BY_HAND.match(self.manager))


def conflicts(status: Status) -> list[Conflict]:
    """The fields for which a server-side apply was refused; empty where that was not the reason."""
    found = []
    for cause in status.causes:
        if cause.get("reason") == "FieldManagerConflict":
            manager = _MANAGER.search(str(cause.get("message")))
            found.append(Conflict(manager[1] if manager else "another manager", str(cause.get("field"))))
    return found


def owned_by_others(kind: Kind, name: str, namespace: str, found: Sequence[Conflict]) -> RefusedError:
    """The error for fields that a controller or another tool keeps."""
    lines = [f"{item.field} belongs to {item.manager}" for item in found if not item.by_hand]
    return RefusedError(
        f"{kind.name} {name} has fields that something else keeps with other values",
        where=f"namespace {namespace}",
        why="; ".join(lines),
        remedy="let only one of the two set them: remove the object from the other tool, or take what it sets into "
        "the variables of the component's role; nothing of this object has been changed",
    )


def fault(status: Status, verb: str, kind: Kind, name: str | None, namespace: str) -> PipelineError:
    """The error for an answer that is no success."""
    thing = f"{kind.name} {name}" if name else kind.plural
    scope = f" in the namespace {namespace}" if kind.namespaced else ""
    text = status.message
    parts: dict[str, Any] = {"status": status, "why": text}
    if status.code == 401:
        remedy = "renew the login (a token or certificate of the kubeconfig has expired, or is of another cluster)"
        return StatusError(f"The cluster does not know who asks for {thing}", remedy=remedy, **parts)
    if status.code == 403 and "exceeded quota" in text:
        remedy = "raise the ResourceQuota, or lower the requests and limits in the component's role"
        return StatusError(f"A quota does not allow {thing}{scope}", remedy=remedy, **parts)
    if status.code == 403 and "violates PodSecurity" in text:
        remedy = "see the evidence for the setting that the namespace's Pod Security level forbids"
        return StatusError(f"Pod Security does not allow {thing}{scope}", remedy=remedy, **parts)
    if status.code == 403 and "is forbidden: User" in text:
        flag = f" -n {namespace}" if kind.namespaced else ""
        user = _USER.search(text)
        remedy = (
            f"have an administrator grant the verb {verb} on {kind.resource}{scope}; "
            f"check with `kubectl auth can-i {verb} {kind.resource}{flag}`"
        )
        who = f"user {user[1]}" if user else "user of this kubeconfig"
        return StatusError(f"The {who} may not {verb} {kind.resource}{scope}", remedy=remedy, **parts)
    if status.code == 404 and "namespaces" in text:
        remedy = f"run the playbook with the tag tenancy, or `kubectl create namespace {namespace}`"
        return StatusError(f"The namespace {namespace} does not exist", remedy=remedy, **parts)
    if status.code == 404 and name is None:
        remedy = "the cluster does not have this API; see docs/runtimes.md for what is needed"
        return StatusError(f"The cluster has no {kind.resource}", remedy=remedy, **parts)
    if status.code in (400, 422):
        remedy = "fix the field that the evidence names, in the component's role or its variables"
        return StatusError(f"The cluster refuses {thing}{scope}", remedy=remedy, **parts)
    if status.code == 409 and kind.name == "ProjectRequest":
        remedy = (
            "if it was deleted a moment ago, run again when it is removed; otherwise ask an administrator for access "
            f"(`oc adm policy add-role-to-user admin USER -n {name}`), or choose another cdc_namespace"
        )
        return StatusError(f"There is a project {name} already, which is not this user's", remedy=remedy, **parts)
    what = f"The cluster answered {status.code} to {verb} {thing}{scope}"
    return StatusError(what, remedy="see the evidence; if the API server is busy, run again", **parts)


def unreachable(server: str, error: Exception) -> UnreachableError:
    """The error for no answer at all."""
    text = str(error)
    lasting = "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text
    remedy = (
        "the kubeconfig's certificate-authority-data is of another cluster: get the kubeconfig again"
        if lasting
        else "is the cluster running? check with `kubectl get nodes`, and the server in the kubeconfig"
    )
    return UnreachableError("The cluster's API does not answer", where=server, why=text, remedy=remedy, lasting=lasting)


def no_kubeconfig(path: str) -> FailedError:
    """The error for a kubeconfig that is not there."""
    return FailedError(
        f"There is no kubeconfig at {path}",
        remedy="set cdc_kubeconfig or the environment variable KUBECONFIG; for a kind cluster, run the "
        "playbook site with cluster_provider=kind, which makes it",
    )
