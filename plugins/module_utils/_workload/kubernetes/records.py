# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects before and after an apply, without what the cluster itself keeps in them. Pure."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._contents import described
from .rendering import to_yaml

Document = dict[str, Any]

_KEPT_BY_THE_CLUSTER = (
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
# The last one holds a whole object, with its secrets.
_ANNOTATIONS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


def record(document: Mapping[str, Any] | None) -> Document | None:
    """What people and this collection decide about an object; None for none."""
    if document is None:
        return None
    found = copy.deepcopy({key: value for key, value in document.items() if key != "status"})
    metadata = found.get("metadata", {})
    for key in _KEPT_BY_THE_CLUSTER:
        metadata.pop(key, None)
    annotations = metadata.get("annotations", {})
    for key in _ANNOTATIONS:
        annotations.pop(key, None)
    if not annotations:
        metadata.pop("annotations", None)
    return found


@dataclass(frozen=True)
class Change:
    """One object as it was and as it is, or would be. ``before`` is None where it was absent, ``after`` where it goes.

    Both are records (:func:`record`).
    """

    kind: str
    name: str
    before: Document | None
    after: Document | None

    @property
    def differs(self) -> bool:
        return self.before != self.after

    @property
    def reason(self) -> str:
        """In words, for the result."""
        if self.before is None:
            return f"{self.kind} {self.name} is missing"
        if self.after is None:
            return f"{self.kind} {self.name} is not wanted"
        return f"{self.kind} {self.name} differs"

    def shown(self) -> dict[str, str]:
        """The difference as Ansible's diff; of a secret's contents only that they differ."""
        before, after = _without_secrets(self.before, self.after)
        header = f"{self.kind} {self.name}"
        return {
            "before_header": header if before is not None else f"{header} (absent)",
            "after_header": header if after is not None else f"{header} (absent)",
            "before": to_yaml(_readable(before)) if before is not None else "",
            "after": to_yaml(_readable(after)) if after is not None else "",
        }


def _readable(document: Document) -> Document:
    """The object with a description in place of each binary file."""
    if not document.get("binaryData"):
        return document
    binary = {key: described(base64.b64decode(text)).strip() for key, text in document["binaryData"].items()}
    return {**document, "binaryData": binary}


def _without_secrets(before: Document | None, after: Document | None) -> tuple[Document | None, Document | None]:
    known = before or after or {}
    if known.get("kind") != "Secret":
        return before, after
    old, new = (dict((item or {}).get("data") or {}) for item in (before, after))
    hidden = {
        key: "<secret>" if key not in old or value == old[key] else "<another secret>" for key, value in new.items()
    }
    return (
        None if before is None else {**before, "data": dict.fromkeys(old, "<secret>")},
        None if after is None else {**after, "data": hidden},
    )
