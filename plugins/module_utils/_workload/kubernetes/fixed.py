# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fields of a stateful set that the API keeps fixed, its volume claims among them: what a change of them takes.

The claims themselves may grow, where their class allows it. The set is then made again around its pods, which stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._errors import RefusedError
from ..._kubernetes.api import Api
from ..._kubernetes.faults import StatusError
from ..._units import memory_bytes
from .manifests.labels import selector

Document = Mapping[str, Any]

_FORBIDDEN = "updates to statefulset spec for fields other than"


def is_fixed(error: StatusError) -> bool:
    """Whether an apply was refused since it changes a fixed field."""
    return error.status.code == 422 and _FORBIDDEN in error.status.message


def growth(name: str, before: Document, after: Document) -> str | None:
    """The size to which the claims have to grow; None where they stay as they are.

    Raises:
        RefusedError: they would shrink, or become others.
    """
    old, new = _claim(before), _claim(after)
    if old is None or new is None:
        if old is not new:
            raise _refused(name, "has a volume" if old is None else "has no volume any more")
        return None
    if "storageClassName" in new and new["storageClassName"] != old.get("storageClassName"):
        raise _refused(name, f"is of the class {new['storageClassName']} instead of {old.get('storageClassName')}")
    sizes = [item["resources"]["requests"]["storage"] for item in (old, new)]
    if memory_bytes(sizes[1]) < memory_bytes(sizes[0]):
        raise _refused(name, f"is of {sizes[1]} instead of {sizes[0]}")
    return sizes[1] if memory_bytes(sizes[1]) > memory_bytes(sizes[0]) else None


def require_room(api: Api, workload: str, before: Document, after: Document) -> None:
    """Sees that the claims can become what is wanted. Nothing is changed.

    Raises:
        RefusedError: they cannot.
    """
    size = growth(after["metadata"]["name"], before, after)
    for claim in _claims(api, workload) if size else ():
        try:
            _grow(api, claim, str(size), dry=True)
        except StatusError as error:
            raise RefusedError(
                f"The volume {claim} cannot grow to {size}",
                why=error.status.message,
                remedy="set the size back, or see docs/storage.md, `More room`, for classes that do not allow it; "
                "nothing has been changed",
            ) from None


def make_way(api: Api, workload: str, before: Document, after: Document) -> None:
    """Lets the claims grow and takes the old set away from around its pods."""
    name = after["metadata"]["name"]
    size = growth(name, before, after)
    for claim in _claims(api, workload) if size else ():
        _grow(api, claim, str(size))
    api.delete("StatefulSet", name, orphan=True)


def _claims(api: Api, workload: str) -> list[str]:
    return [claim["metadata"]["name"] for claim in api.list("PersistentVolumeClaim", selector(workload))]


def _grow(api: Api, claim: str, size: str, dry: bool = False) -> None:
    api.merge("PersistentVolumeClaim", claim, {"spec": {"resources": {"requests": {"storage": size}}}}, dry)


def _claim(document: Document) -> Document | None:
    found = (document.get("spec") or {}).get("volumeClaimTemplates") or ()
    return found[0]["spec"] if found else None


def _refused(name: str, what: str) -> RefusedError:
    return RefusedError(
        f"The volumes of {name} cannot be changed: in the specification each {what}",
        remedy="set it back, or move the data: see docs/storage.md; nothing has been changed",
    )
