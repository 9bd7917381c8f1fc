"""What is decided about volumes, rights and flows in a cluster (T2, T3)."""

from __future__ import annotations

import pytest
from cdc_pipeline.verify.checks import isolation, storage, tenancy
from cdc_pipeline.verify.plan_cluster import Storage, Volume
from cdc_pipeline.verify.rules import rights

DEFAULT = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


def storage_class(name: str, mode: str = "WaitForFirstConsumer", **metadata: object) -> dict:
    return {"metadata": {"name": name, **metadata}, "volumeBindingMode": mode, "provisioner": "p"}


def claim(name: str, size: str = "3413Mi", phase: str = "Bound", storage_class: str = "cdc-kafka") -> dict:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": name}, "spec": spec, "status": {"phase": phase}}


def test_classes():
    expected = Storage(classes=("cdc-kafka", "fast", ""), made=("cdc-kafka",))
    known = [storage_class("cdc-kafka"), storage_class("fast", "Immediate"), storage_class("standard", **DEFAULT)]
    assert [(each.id, each.ok) for each in storage.judge_classes(expected, known)] == [
        ("T2.class.cdc-kafka", True),
        ("T2.class.fast", True),
        ("T2.class.default", True),
    ]
    wrong = [storage_class("cdc-kafka", "Immediate")]
    assert [each.ok for each in storage.judge_classes(expected, wrong)] == [False, False, False]


KAFKA = Volume("kafka", 3413, 2, "cdc-kafka")


@pytest.mark.parametrize(
    ("second", "good"),
    [
        (claim("data-kafka-1"), True),
        (claim("data-kafka-1", size="10Gi"), True),
        (claim("data-kafka-1", size="1Gi"), False),
        (claim("data-kafka-1", phase="Pending"), False),
        (claim("data-kafka-1", storage_class="standard"), False),
        (claim("data-kafka-2"), False),
    ],
)
def test_volumes(second, good):
    (found,) = storage.judge_volumes([KAFKA], [claim("data-kafka-0"), second], "standard")
    assert found.ok is good


def test_a_volume_of_the_default_class():
    (found,) = storage.judge_volumes([Volume("x", 1)], [claim("data-x-0", storage_class="standard")], "standard")
    assert found.ok


def test_the_total_is_that_of_postgresql_and_kafka():
    volumes = [KAFKA, Volume("postgresql", 5120), Volume("object-store", 20480)]
    claims = [claim(f"data-kafka-{number}") for number in (0, 1)]
    claims += [claim("data-postgresql-0", "5Gi"), claim("data-object-store-0", "20Gi")]
    found = storage.judge_total(volumes, claims)
    assert (found.ok, found.expected, found.found) == (True, "11946 MiB", "11946 MiB")
    assert not storage.judge_total(volumes, claims[1:]).ok


def pod(name: str, account: str = "kafka-sa", sources: tuple = ()) -> dict:
    volumes = [{"projected": {"sources": list(sources)}}, {"emptyDir": {}}]
    return {"metadata": {"name": name}, "spec": {"serviceAccountName": account, "volumes": volumes}}


def test_accounts_and_tokens_of_pods():
    expected = {"kafka": "kafka-sa"}
    assert all(each.ok for each in tenancy.judge_accounts(expected, {"kafka": [pod("a"), pod("b")]}))
    accounts, tokens = tenancy.judge_accounts(
        expected, {"kafka": [pod("a"), pod("b", "default", ({"serviceAccountToken": {}},))]}
    )
    assert (accounts.ok, accounts.found) == (False, {"kafka": "default, kafka-sa"})
    assert (tokens.ok, tokens.found) == (False, ["b"])
    assert not next(iter(tenancy.judge_accounts(expected, {}))).ok


def test_an_account_that_gives_its_token_unasked():
    found = tenancy.judge_automount(
        [{"metadata": {"name": "a"}, "automountServiceAccountToken": False}, {"metadata": {"name": "b"}}]
    )
    assert (found.ok, found.found) == (False, ["b"])


def test_rights_of_rules():
    rules = [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]},
        {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]},
        {"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["one"]},
    ]
    assert rights(rules) == {"get pods/log", "get deployments.apps", "list deployments.apps", "get secrets one"}


def test_accounts_may_do_what_any_account_may():
    anybody = {"create selfsubjectreviews.authentication.k8s.io"}
    assert tenancy.judge_powerless(["a"], {"a": anybody}, anybody).ok
    found = tenancy.judge_powerless(["a"], {"a": {*anybody, "get secrets"}}, anybody)
    assert (found.ok, found.found) == (False, {"a": ["get secrets"]})
    assert not tenancy.judge_powerless(["a"], {"a": {"* *.*"}}, {"* *.*"}).ok


def test_operators_may_do_what_is_listed_and_no_more():
    rules = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
    anybody = {"create reviews"}
    assert tenancy.judge_operator(rules, {"get pods", "list pods", "create reviews"}, anybody).ok
    found = tenancy.judge_operator(rules, {"get pods", "delete pods"}, anybody)
    assert (found.ok, found.found) == (False, {"missing": ["list pods"], "beyond the list": ["delete pods"]})


def test_flows():
    reached = {"kafka": ["client"], "postgresql": [], "archive": []}
    assert isolation.judge_flows("archive", {"kafka": ["client"], "absent": ["http"]}, reached).ok
    assert not isolation.judge_flows("archive", {"kafka": ["client"], "postgresql": ["sql"]}, reached).ok
    assert not isolation.judge_flows("archive", {"kafka": ["client", "controller"]}, reached).ok
    assert not isolation.judge_flows("a pod of no workload", {}, reached).ok


def test_targets_are_ports_of_a_pod_with_an_address():
    declared = {
        "kafka": {"ports": {"a": {"port": 1}, "b": {"port": 2}}},
        "schema_registry": {"ports": {"c": {"port": 3}}},
    }
    pods = {"kafka": [{"status": {}}, {"status": {"podIP": "10.0.0.1"}}], "schema-registry": [{"status": {}}]}
    assert isolation.targets(pods, declared) == {"kafka": {"a": ("10.0.0.1", 1), "b": ("10.0.0.1", 2)}}
