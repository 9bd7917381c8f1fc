# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates by cert-manager: asked for once, waited for, looked at, and what was said where there are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("kubernetes")

from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.manager import (
    is_ready,
    newest_request,
    object_name,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import pem
from ansible_collections.cdc.pipeline.tests.unit.fakes.cert_manager import FakeCertManager
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed
from cryptography import x509

SERVERS = {
    "kafka": ["localhost", "127.0.0.1", "::1", "*.kafka-headless.here.svc"],
    "schema_registry": ["schema-registry.here.svc"],
}
HOSTS = {"kafka": ["localhost", "kafka-0.kafka-headless.here.svc"], "schema_registry": ["schema-registry.here.svc"]}


@pytest.fixture
def cluster():
    with FakeCertManager() as fake:
        fake.add("namespaces", "here")
        yield fake


@pytest.fixture
def run(cluster, run_module, tmp_path):
    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        given = {
            "kubeconfig": cluster.kubeconfig(tmp_path / "kubeconfig"),
            "namespace": "here",
            "issuer": {"name": "corporate"},
            "servers": SERVERS,
            "hosts": HOSTS,
            "mutual": ["kafka"],
            "timeout": 0,
        }
        return run_module("kubernetes_certificates", check=check, **{**given, **options})

    return call


def refused(run: Any, **options: Any) -> str:
    with pytest.raises(ModuleFailed) as failed:
        run(**options)
    assert "PRIVATE KEY" not in failed.value.result["stdout"]
    return failed.value.result["msg"]


def test_asks_once_and_takes_what_is_in_the_secrets(cluster, run):
    result = run()
    assert result["changed"] and result["issued"] == dict.fromkeys(SERVERS, "there was none")
    asked = cluster.objects["certificates", "here", "kafka-certificate"]["spec"]
    assert asked["dnsNames"] == ["localhost", "*.kafka-headless.here.svc"]
    assert asked["ipAddresses"] == ["127.0.0.1", "::1"]
    assert asked["usages"] == ["digital signature", "server auth", "client auth"]
    assert (asked["duration"], asked["renewBefore"]) == ("8760h0m0s", "1440h0m0s")
    assert asked["issuerRef"] == {"name": "corporate", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    served = result["servers"]["kafka"]
    kept = cluster.secret("kafka-certificate")
    assert served == {"certificate": kept["tls.crt"], "key": kept["tls.key"], "ca": kept["ca.crt"]}
    assert served["ca"] == pem(cluster.authority.certificate)
    cluster.calls.clear()
    again = run()
    assert not again["changed"] and again["servers"] == result["servers"] and cluster.writes() == []


def test_what_cert_manager_has_renewed_is_taken(cluster, run):
    first = run()
    cluster.renew("kafka-certificate")
    for check in (True, False):
        second = run(check=check)
        assert not second["changed"] and second["issued"] == {}
        assert second["servers"]["kafka"]["certificate"] != first["servers"]["kafka"]["certificate"]
        assert second["servers"]["schema_registry"] == first["servers"]["schema_registry"]


def test_check_mode_asks_for_nothing_and_stands_something_in(cluster, run):
    result = run(check=True)
    assert result["changed"] and result["issued"] == dict.fromkeys(SERVERS, "there was none")
    assert set(result["diff"]["after"]) == {"Certificate kafka-certificate", "Certificate schema-registry-certificate"}
    assert not [key for key in cluster.objects if key[0] != "namespaces"]
    stands = x509.load_pem_x509_certificate(result["servers"]["kafka"]["certificate"].encode())
    assert stands.issuer.rfc4514_string() == "CN=to be issued by cert-manager"


def test_check_mode_in_a_cluster_whose_namespace_is_still_to_be_made(cluster, run):
    del cluster.objects["namespaces", "", "here"]
    assert run(check=True)["issued"] == dict.fromkeys(SERVERS, "there was none")


def test_other_names_are_asked_for_anew(cluster, run):
    run()
    servers = {**SERVERS, "kafka": [*SERVERS["kafka"], "kafka.example.com"]}
    dry = run(check=True, servers=servers)
    # What is to come is not what is there.
    assert dry["servers"]["kafka"]["certificate"] != cluster.secret("kafka-certificate")["tls.crt"]
    real = run(servers=servers)
    assert dry["issued"] == real["issued"] == {"kafka": "its names have changed"}
    assert cluster.issued == {"kafka-certificate": 2, "schema-registry-certificate": 1}
    assert run(issuer={"kind": "Issuer", "name": "team"})["issued"]["kafka"] == "another issuer is to sign it"


def test_a_ready_of_what_was_asked_for_earlier_does_not_count(cluster, run):
    run()
    cluster.behaves = "absent"
    text = refused(run, servers={**SERVERS, "kafka": ["kafka.example.com"]}, hosts={})
    assert "cert-manager has not issued a certificate for kafka within 0 s" in text


@pytest.mark.parametrize(
    ("behaves", "parts"),
    [
        ("pending", ["has not issued certificates for kafka, schema_registry within 0 s", "the issuer is not ready",
                     "CertificateRequest kafka-certificate-1: Approved is True", "Ready is False, Pending",
                     "fix what it says, of the issuer as a rule (kubectl describe clusterissuer corporate)"]),
        ("fails", ["could not issue certificates for kafka, schema_registry", "the CA's key is gone"]),
        ("denied", ["no policy allows kafka", "have the policy that denied it admit"]),
        ("absent", ["cert-manager has said nothing of it", "see whether cert-manager's controller runs"]),
    ],
)  # fmt: skip
def test_what_cert_manager_says_is_told(cluster, run, behaves, parts):
    cluster.behaves = behaves
    text = refused(run)
    assert "namespace here, issuer clusterissuer corporate" in text
    assert all(part in text for part in parts), text


def test_a_failure_is_told_at_once(cluster, run):
    cluster.behaves = "fails"
    assert "could not issue" in refused(run, timeout=600)


def test_who_waits_for_approval_is_told_so(cluster, run):
    cluster.behaves = "pending"
    refused(run)
    for name in SERVERS:
        cluster.objects["certificaterequests", "here", f"{object_name(name)}-1"]["status"] = {}
    assert "nobody has approved kafka-certificate-1" in refused(run)


def test_after_a_failure_another_run_tries_again(cluster, run):
    cluster.behaves = "fails"
    refused(run)
    cluster.behaves = "issues"
    dry = run(check=True)
    assert dry["issued"] == dict.fromkeys(SERVERS, "the last try had failed")
    assert run()["issued"] == dry["issued"]
    assert cluster.issued == {object_name(name): 1 for name in SERVERS}
    assert not run()["changed"]


def test_a_renewal_that_fails_is_a_warning_as_long_as_the_certificate_holds(cluster, run):
    first = run()
    status = cluster.objects["certificates", "here", "kafka-certificate"]["status"]
    status["lastFailureTime"] = "2026-01-01T00:00:00Z"
    status["conditions"].append({"type": "Issuing", "status": "False", "reason": "Failed", "message": "no key"})
    second = run()
    assert not second["changed"] and second["servers"] == first["servers"]
    warning = json.dumps(second["warnings"])
    assert "could not renew the certificate of kafka" in warning and "Failed: no key" in warning


def test_a_secret_without_an_authority_is_of_no_use(cluster, run):
    run()
    del cluster.objects["secrets", "here", "kafka-certificate"]["data"]["ca.crt"]
    text = refused(run)
    assert "ca.crt of Secret kafka-certificate is missing or empty" in text and "CA or Vault" in text


def test_what_was_issued_is_looked_at(cluster, run):
    run()
    text = refused(run, hosts={**HOSTS, "kafka": ["kafka.example.com"], "schema_registry": ["elsewhere.example.com"]})
    assert "1. kafka: the certificate is not for kafka.example.com" in text
    assert "2. schema_registry: the certificate is not for elsewhere.example.com" in text
    assert "tls.crt of Secret kafka-certificate" in text


def test_kafka_is_told_where_the_issuer_has_put_another_subject(cluster, run):
    run()
    cluster.objects["certificates", "here", "kafka-certificate"]["spec"]["commonName"] = "kafka.corp"
    cluster.renew("kafka-certificate")
    cluster.objects["certificates", "here", "kafka-certificate"]["spec"]["commonName"] = "kafka"
    assert "the subject is not CN=kafka, by which the replicas identify each other" in refused(run)
    assert not run(mutual=[])["changed"]


def test_what_is_stated_no_more_goes_with_its_secret(cluster, run):
    run()
    cluster.add("secrets", "of-somebody-else", "here")
    fewer = {"servers": {"kafka": SERVERS["kafka"]}}
    expected = ["Certificate schema-registry-certificate", "Secret schema-registry-certificate"]
    assert run(check=True, **fewer)["objects"] == run(**fewer)["objects"] == expected
    gone = run(state="absent")
    assert gone["objects"] == ["Certificate kafka-certificate", "Secret kafka-certificate"]
    assert "PRIVATE KEY" not in gone["stdout"] and "tls.key" not in gone["stdout"]
    assert [key for key in cluster.objects if key[0] in ("secrets", "certificates")] == [
        ("secrets", "here", "of-somebody-else")
    ]
    assert not run(state="absent")["changed"]


def test_without_cert_manager_nothing_is_to_be_removed(cluster, run):
    cluster.serves = set()
    assert not run(state="absent")["changed"]
    cluster.serves, cluster.denied = {"cert-manager.io"}, {"list certificates"}
    assert not run(state="absent")["changed"]


def test_renewal_must_come_before_the_end(run):
    assert "set renew_days below days" in refused(run, days=60, renew_days=60)


def test_the_last_request_is_the_one_of_the_highest_revision():
    def request(name, revision):
        notes = {"cert-manager.io/certificate-name": "a", "cert-manager.io/certificate-revision": revision}
        return {"metadata": {"name": name, "annotations": notes}}

    several = [request("a-9", "9"), request("a-10", "10"), {"metadata": {"name": "of-nobody"}}]
    assert newest_request({"metadata": {"name": "a"}}, several)["metadata"]["name"] == "a-10"
    assert newest_request({"metadata": {"name": "b"}}, several) is None


def test_ready_is_of_a_generation():
    status = {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}
    assert is_ready({"metadata": {"generation": 1}, "status": status})
    assert not is_ready({"metadata": {"generation": 2}, "status": status})
