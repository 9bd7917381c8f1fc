# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is rendered sealed becomes secrets in a cluster, by the real controller, which runs on this machine.

The controller takes its login from where pods have it, so it has a mount namespace of its own. That takes root.
"""

from __future__ import annotations

import datetime
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import raw
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from programs import SECONDS, definitions, installed, running, sources

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "golden"))

from rendering import render
from waiting import until

MODULE, VERSION = "github.com/bitnami-labs/sealed-secrets", "v0.32.2"
PLACE = "cdc-sealed-secrets"
RULES = [
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch", "create", "update", "delete"]},
    {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets/status"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
]
START = (
    'mount -t tmpfs none /run; folder=/run/secrets/kubernetes.io/serviceaccount; mkdir -p "$folder"; '
    'cp "$1"/* "$folder"; shift; exec "$@"'
)


@pytest.fixture(scope="module")
def kubeseal():
    return installed(f"{MODULE}/cmd/kubeseal", VERSION)


@pytest.fixture(scope="module")
def certificate(kubeconfig, tmp_path_factory):
    """The controller at work; gives the file with its certificate, as `kubeseal --fetch-cert` gets it."""
    assert os.geteuid() == 0, "run this as root"
    folder = tmp_path_factory.mktemp("sealed-secrets")
    program = installed(f"{MODULE}/cmd/controller", VERSION)
    api = connect(kubeconfig, "", PLACE)
    with definitions(api, [sources(MODULE, VERSION) / "helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml"]):
        _make_account(api)
        try:
            login = folder / "login"
            _write_login(api, login)
            place = urlsplit(api.server)
            os.environ |= {"KUBERNETES_SERVICE_HOST": place.hostname, "KUBERNETES_SERVICE_PORT": str(place.port)}
            ports = [_free_port() for _port in range(2)]
            command = ["unshare", "--mount", "sh", "-euc", START, "sh", str(login), str(program)]
            command += [f"--listen-addr=127.0.0.1:{ports[0]}", f"--listen-metrics-addr=127.0.0.1:{ports[1]}"]
            with running(command, folder / "log"):
                at = f"http://127.0.0.1:{ports[0]}/v1/cert.pem"
                text = until(lambda: _certificate(at), bool, SECONDS, "it has a certificate")
                path = folder / "certificate.pem"
                path.write_text(text)
                yield path
            print((folder / "log").read_text()[-20000:])
        finally:
            for kind in ("ClusterRoleBinding", "ClusterRole", "Namespace"):
                api.delete(kind, PLACE)


def _make_account(api):
    group, version = "rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}})
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": PLACE}})
    api.apply({"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": PLACE}, "rules": RULES})
    subject = {"kind": "ServiceAccount", "name": PLACE, "namespace": PLACE}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": PLACE}
    api.apply({"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": PLACE}, "roleRef": role,
               "subjects": [subject]})  # fmt: skip


def _write_login(api, folder):
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = raw.post(api, f"serviceaccounts/{PLACE}/token", request)["status"]["token"]
    folder.mkdir(mode=0o700)
    (folder / "token").write_text(token)
    (folder / "namespace").write_text(PLACE)
    (folder / "ca.crt").write_bytes(Path(api.client.configuration.ssl_ca_cert).read_bytes())


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _certificate(url):
    try:
        answer = httpx.get(url, trust_env=False, timeout=5)
    except httpx.HTTPError:
        return ""
    return answer.text if answer.status_code == 200 else ""


def rendered(tmp_path, namespace, kubeseal, certificate):
    """The sealed secrets of a pipeline, and what is in them; both by name."""
    common = {"cdc_home": str(tmp_path / "home"), "cdc_namespace": namespace}
    sealing = {"render_sealing_certificate": str(certificate), "render_kubeseal": str(kubeseal)}
    render("kubernetes", tmp_path / "sealed", **sealing, **common)
    render("kubernetes", tmp_path / "plain", render_secrets=True, **common)
    found = [yaml.safe_load(path.read_text()) for path in sorted((tmp_path / "sealed").glob("*/sealedsecret-*.yaml"))]
    plain = [yaml.safe_load(path.read_text()) for path in sorted((tmp_path / "plain").glob("*/secret-*.yaml"))]
    return {each["metadata"]["name"]: each for each in found}, {each["metadata"]["name"]: each for each in plain}


def place_of(namespace, name):
    return f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/{name}"


def test_the_controller_makes_secrets_of_what_is_rendered(api, namespace, kubeseal, certificate, tmp_path):
    sealed, plain = rendered(tmp_path, namespace, kubeseal, certificate)
    assert sealed and sealed.keys() == plain.keys()
    for name, document in sealed.items():
        raw.apply(api, place_of(namespace, name), document)
    for name, expected in plain.items():
        made = until(lambda name=name: api.get("Secret", name), bool, SECONDS, f"there is a secret {name}")
        assert made["data"] == expected["data"], f"{name} holds something else"
        assert expected["metadata"]["labels"].items() <= made["metadata"]["labels"].items()
        assert made["metadata"]["ownerReferences"][0]["kind"] == "SealedSecret"

    # A credential that has changed becomes known when it is rendered and applied again, and nothing else is touched.
    (tmp_path / "home/credentials/kafka_registry").write_text("another")
    again, expected = rendered(tmp_path, namespace, kubeseal, certificate)
    changed = [name for name in again if again[name] != sealed[name]]
    assert changed == ["schema-registry-secrets"]
    raw.apply(api, place_of(namespace, changed[0]), again[changed[0]])
    wanted = expected[changed[0]]["data"]
    assert wanted != plain[changed[0]]["data"]
    until(lambda: api.get("Secret", changed[0])["data"] == wanted, bool, SECONDS, "the secret has what was sealed last")


def test_what_is_sealed_for_another_cluster_stays_closed_and_says_so(api, namespace, kubeseal, certificate, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(_of_another_cluster())
    sealed, _plain = rendered(tmp_path, namespace, kubeseal, other)
    name = "kafka-secrets"
    raw.apply(api, place_of(namespace, name), sealed[name])

    def said():
        several = (raw.get(api, place_of(namespace, name)).get("status") or {}).get("conditions") or []
        return next((each for each in several if each["type"] == "Synced" and each["status"] == "False"), None)

    assert "no key could decrypt secret" in until(said, bool, SECONDS, "the controller says something")["message"]
    assert api.get("Secret", name) is None


def _of_another_cluster():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sealed-secrets")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + 30 * day)
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)
