# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pods have to be replaced, in which order, and when a workload is complete. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .manifests.labels import IN_COMMON
from .trouble import is_going, is_ready, is_stuck

Document = Mapping[str, Any]

_REVISION = "controller-revision-hash"


@dataclass(frozen=True)
class Turns:
    """Pods to replace.

    Attributes:
        together: those that are not ready anyway, or cannot work beside new ones, at once and without a gate: a quorum
            needs its members.
        in_turn: one after the other, from the highest ordinal down as a stateful set does it.
    """

    together: tuple[str, ...] = ()
    in_turn: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [*self.together, *self.in_turn]


def ordinal(pod: str) -> int:
    """The number at the end of a stateful set's pod's name."""
    match = re.search(r"-(\d+)$", pod)
    return int(match[1]) if match else 0


def turns(
    pods: Sequence[Document], revision: str | None, wanted: Collection[str] = (), template: Document | None = None
) -> Turns:
    """The pods of a stateful set to replace.

    Args:
        revision: what all of them ought to be; None where that is not known.
        wanted: identities (uid) of pods to replace in any case.
        template: of the new pods. Old ones that do not agree with it on what replicas have in common go together.
    """
    agreed = (template or {}).get("metadata", {}).get("annotations", {}).get(IN_COMMON)
    old = [
        pod
        for pod in pods
        if not is_going(pod)
        and (
            (revision is not None and pod["metadata"].get("labels", {}).get(_REVISION) != revision)
            or pod["metadata"].get("uid") in wanted
            or is_stuck(pod)
        )
    ]
    names = sorted((pod["metadata"]["name"] for pod in old), key=ordinal, reverse=True)
    ready = {
        pod["metadata"]["name"]
        for pod in old
        if is_ready(pod) and (template is None or pod["metadata"].get("annotations", {}).get(IN_COMMON) == agreed)
    }
    return Turns(tuple(name for name in names if name not in ready), tuple(name for name in names if name in ready))


def observed(document: Document) -> bool:
    """Whether the controller has seen the present specification."""
    status = document.get("status") or {}
    return int(status.get("observedGeneration") or 0) >= int(document["metadata"].get("generation") or 0)


def complete(document: Document, pods: Sequence[Document]) -> bool:
    """Whether every pod that a stateful set or a deployment wants is there, new and ready, and none is left over."""
    status, wanted = document.get("status") or {}, int(document["spec"].get("replicas") or 0)
    if not observed(document) or len(pods) != wanted or not all(is_ready(pod) for pod in pods):
        return False
    if document["kind"] == "Deployment":
        return int(status.get("updatedReplicas") or 0) == wanted
    revision = status.get("updateRevision")
    return all(pod["metadata"].get("labels", {}).get(_REVISION) == revision for pod in pods)
