# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the kubeconfig's user may do in the cluster, asked of the cluster itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .._problem import Problem

_THREADS = 8


@dataclass(frozen=True, order=True)
class Right:
    """A verb on a resource.

    :param resource: with its subresource, such as `pods/log`.
    :param namespace: "" for what belongs to no namespace.
    """

    group: str
    resource: str
    verb: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.verb} {self.kind}"

    @property
    def kind(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


def rights(rules: Iterable[Mapping[str, Any]], namespace: str) -> list[Right]:
    """Each right that rules of a Role or ClusterRole give."""
    return [
        Right(group, resource, verb, namespace)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def ask(create: Callable[[Mapping[str, Any]], Mapping[str, Any]], wanted: Sequence[Right]) -> list[Right]:
    """Those that the user does not have.

    :param create: sends a review to the API server and gives its answer.
    """

    def allowed(right: Right) -> bool:
        resource, _slash, part = right.resource.partition("/")
        attributes = {"group": right.group, "resource": resource, "verb": right.verb, "namespace": right.namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, "subresource": part}},
        }
        return bool((create(review).get("status") or {}).get("allowed"))

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = list(pool.map(allowed, wanted))
    return [right for right, yes in zip(wanted, answers, strict=True) if not yes]


def missing_rights(missing: Sequence[Right], who: str, target: object) -> Iterator[Problem]:
    """One problem that lists every right that is missing."""
    if not missing:
        return
    places: dict[str, dict[str, list[str]]] = {}
    for right in missing:
        where = f"in namespace {right.namespace}" if right.namespace else "in the whole cluster"
        places.setdefault(where, {}).setdefault(right.kind, []).append(right.verb)
    lines = [
        f"{where}: " + "; ".join(f"{kind} ({', '.join(verbs)})" for kind, verbs in kinds.items())
        for where, kinds in places.items()
    ]
    yield Problem(
        "rights",
        f"The user {who} lacks rights in the cluster" if who else "The kubeconfig's user lacks rights in the cluster",
        found="\n".join([*lines, f"asked of {target}"]),
        remedy="have an administrator run the playbook site with this inventory and "
        "`--tags storage,tenancy` once, with you in tenancy_operators; docs/rbac.md lists every right and its purpose",
    )
