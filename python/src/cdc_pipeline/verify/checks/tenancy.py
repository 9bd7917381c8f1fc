"""T3: Pod Security, service accounts, and what each of them may do, as the document says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.rules import Rule, rights
from cdc_pipeline.verify.step import Step

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
# No account is called so: what it may do, any account may.
_NOBODY = "cdc-verify-nobody"
_LEVEL = "pod-security.kubernetes.io/enforce"
_TENANCY = "Run the tag tenancy."
_WORKLOADS = "Run the site again: it creates the accounts of the workloads."
Object = Mapping[str, Any]


def judge_accounts(expected: Mapping[str, str], pods: Mapping[str, Sequence[Object]]) -> Iterator[Finding]:
    """Each workload's pods have its account, and none of them a token of it.

    Args:
        pods: of each workload.
    """
    found = {
        name: ", ".join(sorted({pod["spec"].get("serviceAccountName", "default") for pod in pods.get(name, ())}))
        or None
        for name in expected
    }
    yield equal("tenancy.accounts", "service accounts of the workloads' pods", dict(expected), found, _WORKLOADS)
    holding = sorted(pod["metadata"]["name"] for each in pods.values() for pod in each if holds_token(pod))
    yield equal("tenancy.tokens", "pods that hold a token of the cluster's API", [], holding, _WORKLOADS)


def holds_token(pod: Object) -> bool:
    """Whether a token of the API is mounted into the pod, whatever its account says; others name an audience."""
    sources = (
        source
        for volume in pod["spec"].get("volumes") or ()
        for source in volume.get("projected", {}).get("sources", ())
    )
    return any(
        "serviceAccountToken" in source and not source["serviceAccountToken"].get("audience") for source in sources
    )


def judge_automount(accounts: Sequence[Object]) -> Finding:
    """No account gives a token to a pod that did not ask for one."""
    giving = sorted(
        each["metadata"]["name"] for each in accounts if each.get("automountServiceAccountToken") is not False
    )
    return equal("tenancy.automount", "accounts of the namespace whose token is mounted unasked", [], giving, _TENANCY)


def judge_powerless(accounts: Sequence[str], found: Mapping[str, set[str]], anybody: set[str]) -> Finding:
    """No workload uses the cluster's API, so its account may do nothing but what any may."""
    more = {name: sorted(found[name] - anybody) for name in accounts if found[name] - anybody}
    if everything := sorted(each for each in anybody if each.startswith("*")):
        more["any account"] = everything
    return equal(
        "tenancy.rights", "what the workloads' accounts may do beyond what any account may", {}, more, _TENANCY
    )


def judge_operator(rules: Sequence[Rule], found: set[str], anybody: set[str]) -> Finding:
    """The operators may do what docs/rbac.md lists, and nothing else."""
    wanted = rights(rules)
    wrong = {
        kind: sorted(each)
        for kind, each in (("missing", wanted - found), ("beyond the list", found - wanted - anybody))
        if each
    }
    what = "what the operators may do, against docs/rbac.md"
    return Finding(
        "tenancy.operator", what, f"{len(wanted)} rights", wrong or f"{len(wanted)} rights", not wrong, _TENANCY
    )


def _security(context: Context) -> Iterator[Finding]:
    cluster, expected = context.cluster, context.plan.expected.tenancy
    labels = cluster.get(f"/api/v1/namespaces/{cluster.namespace}")["metadata"].get("labels") or {}
    level = expected.pod_security
    yield equal(
        "tenancy.pod_security", "level of Pod Security that the namespace enforces", level, labels.get(_LEVEL), _TENANCY
    )
    try:
        cluster.call("POST", cluster.path("pods"), _privileged(), dryRun="All")
        answer = "it was admitted"
    except ClusterError as error:
        answer = str(error)
    yield Finding(
        "tenancy.privileged",
        "a privileged pod",
        "refused, as it violates Pod Security",
        answer,
        "violates PodSecurity" in answer or "security context constraint" in answer,
        _TENANCY,
    )


def _privileged() -> dict[str, Any]:
    container = {"name": "x", "image": "x", "securityContext": {"privileged": True}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cdc-verify-privileged"},
        "spec": {"containers": [container], "hostNetwork": True},
    }


def _accounts(context: Context) -> Iterator[Finding]:
    cluster, expected = context.cluster, context.plan.expected.tenancy
    yield from judge_accounts(expected.accounts, {name: cluster.pods(name) for name in expected.accounts})
    yield judge_automount(cluster.items(cluster.path("serviceaccounts")))


def _rights(context: Context) -> Iterator[Finding]:
    cluster, expected = context.cluster, context.plan.expected.tenancy
    accounts = sorted({*expected.accounts.values(), "default"})
    asked = [*accounts, _NOBODY, *([expected.operator] if expected.operator else [])]
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(asked, pool.map(lambda name: _allowed(cluster, name), asked), strict=True))
    yield judge_powerless(accounts, found, found[_NOBODY])
    if expected.operator:
        yield judge_operator(expected.rights, found[expected.operator], found[_NOBODY])


def _allowed(cluster: Cluster, account: str) -> set[str]:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": cluster.namespace},
    }
    status = cluster.acting_as(account).call("POST", _REVIEW, review)["status"]
    return rights(status.get("resourceRules") or ())


STEPS = (
    Step("tenancy.pod_security", "tenancy", _security, "T3", ("pod_security", "privileged"), cluster=True),
    Step("tenancy.accounts", "tenancy", _accounts, "T3", ("accounts", "tokens", "automount"), cluster=True),
    Step("tenancy.rights", "tenancy", _rights, "T3", ("rights", "operator"), cluster=True),
)
