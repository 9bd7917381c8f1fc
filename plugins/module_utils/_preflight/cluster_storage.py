# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a cluster has the storage classes that the workloads' volumes need. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._problem import Problem
from .._suggest import did_you_mean

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_NONE = "kubernetes.io/no-provisioner"


def class_problems(
    wanted: Mapping[str, Sequence[str]],
    made: Mapping[str, str],
    classes: Sequence[Mapping[str, Any]],
    drivers: Sequence[str],
) -> Iterator[Problem]:
    """Classes that are missing.

    :param wanted: the workloads whose volumes are of each class; "" is the cluster's default.
    :param made: the provisioner of each class that the role `storage` makes.
    :param classes: the cluster's, as the API gives them.
    :param drivers: names of its CSI drivers.
    """
    known = {item["metadata"]["name"]: item for item in classes}
    listed = f"its classes are {', '.join(sorted(known))}" if known else "it has no storage class"
    for name, users in wanted.items():
        whose = f"for the volumes of {', '.join(users)}"
        keys = " and ".join(f"cdc_storage_classes.{user.replace('-', '_')}" for user in users)
        if not name:
            if not any(_is_default(item) for item in classes):
                yield Problem(
                    "storage",
                    f"The cluster has no default storage class, {whose}",
                    found=listed,
                    remedy=f"set {keys} to one of its classes, or mark one as the default: "
                    f"kubectl annotate storageclass NAME {_DEFAULT}=true",
                )
        elif name in made:
            provisioners = {item.get("provisioner") for item in classes if item["metadata"]["name"] != name}
            if name in known or made[name] in (*drivers, _NONE) or made[name] in provisioners:
                continue
            yield Problem(
                "storage",
                f"The cluster has no provisioner {made[name]}, by which the class {name} would make volumes",
                found=listed,
                remedy=f"set {keys} to a class of the cluster, or storage_provisioner to a provisioner that it has",
            )
        elif name not in known:
            hint = did_you_mean(name, known)
            yield Problem(
                "storage",
                f"The cluster has no storage class {name}, {whose}",
                found=listed,
                remedy=f"set {keys} to one that it has" + (f"; {hint}" if hint else ""),
            )


def _is_default(item: Mapping[str, Any]) -> bool:
    return (item["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"
