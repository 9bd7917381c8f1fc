# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates by cert-manager's own controllers, which run on this machine against the cluster's API.

What is not there is cert-manager's webhook. Its resource definitions are those of its module.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import threading

import pytest
import raw
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import make_authority
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.modules import kubernetes_certificates
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store
from programs import SECONDS, built, definitions, running, sources
from waiting import until

MODULE, VERSION = "github.com/cert-manager/cert-manager", "v1.21.2"
KINDS = ("certificates", "certificaterequests", "issuers", "clusterissuers")
SERVERS = {
    "kafka": ["localhost", "127.0.0.1", "::1", "*.kafka-headless.shop.svc", "kafka.shop.svc"],
    "schema_registry": ["localhost", "schema-registry.shop.svc"],
}
HOSTS = {"kafka": ["localhost", "127.0.0.1", "kafka-2.kafka-headless.shop.svc"]}
ISSUER = {"kind": "Issuer", "name": "corporate"}
# The cluster has no such API.
STRANGER = {"kind": "Foo", "name": "bar", "group": "issuers.example.org"}
RULES = [{"apiGroups": ["cert-manager.io"], "resources": ["certificates"], "verbs": ["create", "patch"]}]


def test_a_cluster_without_cert_manager(preflight):
    text = preflight(certificate_issuer=ISSUER)["msg"]
    assert "The cluster has no cert-manager, which certificates_issuer asks to sign" in text


@pytest.fixture(scope="module")
def kinds(kubeconfig):
    """The cluster knows cert-manager's kinds."""
    folder = sources(MODULE, VERSION) / "deploy/crds"
    with definitions(connect(kubeconfig, "", "default"), [folder / f"cert-manager.io_{kind}.yaml" for kind in KINDS]):
        yield


@pytest.fixture
def manager(kubeconfig, kinds, tmp_path, request):
    """cert-manager at work, with the arguments that a test gives."""
    command = [str(built("cert-manager")), "--kubeconfig", kubeconfig, "--cluster-resource-namespace", "default"]
    log = tmp_path / "cert-manager.log"
    with running([*command, *getattr(request, "param", ())], log) as process:
        yield process
    print(log.read_text()[-8000:])


# Requests wait for somebody who approves them.
nobody_approves = pytest.mark.parametrize("manager", [("--approve=false",)], indirect=True)


def authority(api, name="corporate"):
    """An authority in a secret, and an issuer of it."""
    pair = make_authority(name, 30, datetime.datetime.now(datetime.UTC).replace(microsecond=0))
    data = {"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    api.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
               "data": encoded})  # fmt: skip
    issuer(api, name, {"ca": {"secretName": name}})
    until(lambda: ready(api, "Issuer", name), bool, SECONDS, "the issuer is ready")
    return pair


def issuer(api, name, spec):
    api.apply({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": name}, "spec": spec})


def ready(api, kind, name):
    several = (api.get(kind, name).get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in several)


def status_of(api, kind, name):
    plural = {"Certificate": "certificates", "CertificateRequest": "certificaterequests"}[kind]
    return f"/apis/cert-manager.io/v1/namespaces/{api.namespace}/{plural}/{name}/status"


@pytest.fixture
def certificates(module_of, kubeconfig, namespace, manager):
    def call(check=False, **options):
        given = {
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "issuer": ISSUER,
            "servers": SERVERS,
            "hosts": HOSTS,
            "mutual": ["kafka"],
            "days": 20,
            "renew_days": 5,
            "timeout": 60,
        }
        return module_of(kubernetes_certificates, check, **{**given, **options})

    return call


def uids(api):
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in api.list("Certificate")}


def serials(result):
    return {name: leaf(each).serial_number for name, each in result["servers"].items()}


def leaf(served):
    return x509.load_pem_x509_certificate(served["certificate"].encode())


def test_it_signs_once_and_clients_verify_it(api, certificates):
    signer = authority(api)
    dry = certificates(check=True)
    assert dry["changed"] and dry["issued"] == dict.fromkeys(SERVERS, "there was none") and not uids(api)
    real = certificates()
    assert real["changed"] and real["issued"] == dry["issued"]
    kafka = leaf(real["servers"]["kafka"])
    assert kafka.subject.rfc4514_string() == "CN=kafka"
    assert isinstance(kafka.public_key(), ec.EllipticCurvePublicKey) and kafka.public_key().curve.key_size == 256
    assert kafka.not_valid_after_utc - kafka.not_valid_before_utc == datetime.timedelta(days=20)
    names = kafka.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(each.value) for each in names} == {*SERVERS["kafka"]}
    (trusted,) = x509.load_pem_x509_certificates(real["servers"]["kafka"]["ca"].encode())
    assert trusted == signer.certificate
    verifier = PolicyBuilder().store(Store([trusted]))
    for host in (x509.DNSName("kafka-2.kafka-headless.shop.svc"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))):
        verifier.build_server_verifier(host).verify(kafka, [])
    verifier.build_client_verifier().verify(kafka, [])

    before = uids(api)
    again = certificates()
    assert not again["changed"] and serials(again) == serials(real) and uids(api) == before


def test_a_renewal_is_taken_and_other_names_are_asked_for(api, certificates):
    authority(api)
    first = certificates()
    # As `cmctl renew` does.
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "lastTransitionTime": now}
    found = api.get("Certificate", "kafka-certificate")
    conditions = [*found["status"]["conditions"], issuing]
    raw.merge(api, status_of(api, "Certificate", "kafka-certificate"), {"status": {"conditions": conditions}})
    until(
        lambda: api.get("Certificate", "kafka-certificate")["status"],
        lambda status: status.get("revision") == 2,
        SECONDS,
        "it is renewed",
    )
    second = certificates(check=True)
    assert not second["changed"] and serials(second)["schema_registry"] == serials(first)["schema_registry"]
    assert serials(second)["kafka"] != serials(first)["kafka"]
    assert second["servers"]["kafka"]["key"] != first["servers"]["kafka"]["key"]

    servers = {**SERVERS, "kafka": [*SERVERS["kafka"], "kafka.example.com"]}
    third = certificates(servers=servers, hosts={"kafka": ["kafka.example.com"]})
    assert third["issued"] == {"kafka": "its names have changed"}
    assert not certificates(servers=servers)["changed"]


def decide(api, server, **condition):
    """Approves or denies the last request of a server."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    decided = {"status": "True", "lastTransitionTime": now, **condition}
    path = status_of(api, "CertificateRequest", f"{server}-certificate-1")
    raw.merge(api, path, {"status": {"conditions": [decided]}})


def has_failed(api, server):
    return (api.get("Certificate", f"{server}-certificate").get("status") or {}).get("lastFailureTime")


@nobody_approves
def test_who_approves_and_who_denies_is_told(api, certificates):
    authority(api)
    waiting = certificates(timeout=5)
    assert "cert-manager has not issued certificates for kafka, schema_registry within 5 s" in waiting["msg"]
    assert "nobody has approved kafka-certificate-1" in waiting["msg"]
    decide(api, "kafka", type="Denied", reason="policy", message="not for kafka")
    decide(api, "schema-registry", type="Approved", reason="ops", message="well")
    until(lambda: has_failed(api, "kafka"), bool, SECONDS, "it has failed")
    until(lambda: ready(api, "Certificate", "schema-registry-certificate"), bool, SECONDS, "it is issued")
    before = uids(api)
    dry = certificates(check=True)
    assert dry["issued"] == {"kafka": "the last try had failed"} and uids(api) == before
    # Asked anew at once, and waiting again.
    text = certificates(timeout=5)["msg"]
    assert "has not issued a certificate for kafka within 5 s" in text and "nobody has approved" in text
    after = uids(api)
    assert after["kafka-certificate"] != before["kafka-certificate"]
    assert after["schema-registry-certificate"] == before["schema-registry-certificate"]
    decide(api, "kafka", type="Approved", reason="ops", message="well")
    assert not certificates()["changed"]


@nobody_approves
def test_a_denial_ends_the_wait(api, certificates, kubeconfig, namespace):
    authority(api)

    def deny():
        own = connect(kubeconfig, "", namespace)
        until(lambda: own.get("CertificateRequest", "kafka-certificate-1"), bool, SECONDS, "it is asked for")
        decide(own, "kafka", type="Denied", reason="policy", message="not for kafka")

    denying = threading.Thread(target=deny)
    denying.start()
    text = certificates(timeout=600, servers={"kafka": SERVERS["kafka"]})["msg"]
    denying.join()
    assert "cert-manager could not issue a certificate for kafka" in text
    assert "Denied is True, policy: not for kafka" in text and "have the policy that denied it admit" in text


def test_all_of_it_goes(api, certificates):
    authority(api)
    certificates()
    names = {"kafka-certificate", "schema-registry-certificate"}
    assert names <= {each["metadata"]["name"] for each in api.list("Secret")}
    gone = certificates(state="absent")
    assert {*gone["objects"]} == {f"{kind} {name}" for kind in ("Certificate", "Secret") for name in names}
    assert not uids(api) and not names & {each["metadata"]["name"] for each in api.list("Secret")}
    assert not certificates(state="absent")["changed"]


def test_the_preflight_tells_who_cannot_sign(api, preflight, manager, weak):
    issuer(api, "broken", {"ca": {"secretName": "none"}})
    issuer(api, "itself", {"selfSigned": {}})
    until(
        lambda: api.get("Issuer", "broken").get("status") or {},
        lambda status: status.get("conditions"),
        SECONDS,
        "it was looked at",
    )
    until(lambda: ready(api, "Issuer", "itself"), bool, SECONDS, "it is ready")
    for name, parts in {
        "none": ["The Issuer none of certificates_issuer is not there in the namespace"],
        "broken": ["The Issuer broken is not ready", 'secrets "none" not found'],
        "itself": ["has each certificate sign itself"],
    }.items():
        text = preflight(certificate_issuer={"kind": "Issuer", "name": name})["msg"]
        assert "nothing has been changed" in text and all(part in text for part in parts), text
    text = preflight(certificate_issuer=STRANGER)["msg"]
    assert "does not know the API issuers.example.org" in text
    authority(api)
    assert not preflight(certificate_issuer=ISSUER, rights=RULES).get("failed")
    text = preflight(certificate_issuer=ISSUER, rights=RULES, kubeconfig=weak)["msg"]
    assert "certificates.cert-manager.io (create, patch)" in text
