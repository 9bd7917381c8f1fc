# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One object by server-side apply, with what it was and what it is, or would be.

Fields that a person changed by hand (kubectl and the like) are taken back: what the inventory says counts, and the
difference shows in check mode. Fields that a controller or another tool sets are left alone and reported, since it
would set them again at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kubernetes.api import Api
from ..._kubernetes.faults import StatusError, conflicts, owned_by_others
from ..._kubernetes.kinds import KINDS
from .fixed import is_fixed, make_way
from .manifests.labels import WORKLOAD_LABEL
from .records import Change, record


def apply(api: Api, manifest: Mapping[str, Any], present: Mapping[str, Any] | None, dry: bool) -> Change:
    """Applies ``manifest``, or asks what that would do.

    Args:
        present: the object as it is, if that is known already.

    Raises:
        PipelineError: the cluster refuses it.
    """
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    before = present or api.get(kind, name)
    try:
        after = _forced_where_by_hand(api, manifest, dry)
    except StatusError as error:
        if before is not None and is_fixed(error):
            after = _made_anew(api, manifest, before, dry)
        elif dry and error.status.code == 404:
            # The namespace is made by an earlier step, which has not happened in check mode.
            after = dict(manifest)
        else:
            raise
    return Change(kind, name, record(before), record(after))


def _made_anew(api: Api, manifest: Mapping[str, Any], before: Mapping[str, Any], dry: bool) -> Mapping[str, Any]:
    if dry:
        # The cluster does not say what it would make of it, so the rest stands as it was.
        return {**before, "spec": {**before["spec"], **manifest["spec"]}}
    make_way(api, manifest["metadata"]["labels"][WORKLOAD_LABEL], before, manifest)
    return api.apply(manifest)


def _forced_where_by_hand(api: Api, manifest: Mapping[str, Any], dry: bool) -> Mapping[str, Any]:
    try:
        return api.apply(manifest, dry)
    except StatusError as error:
        found = conflicts(error.status)
        if not found:
            raise
    if not all(item.by_hand for item in found):
        kind = KINDS[manifest["kind"]]
        raise owned_by_others(kind, manifest["metadata"]["name"], api.namespace, found)
    return api.apply(manifest, dry, force=True)
