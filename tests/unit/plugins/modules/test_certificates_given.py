# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates that the user gives: each way in which they are no good is told, with the file and whose it is."""

from __future__ import annotations

import datetime
import importlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

HOST = "db.example.com"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)
SERVER, CLIENT = x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass
class Signed:
    certificate: x509.Certificate
    key: object

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, passphrase=None):
        encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode()


def sign(name, by=None, *, ca=False, hosts=(HOST,), since=-1, days=30, key=None, usages=(SERVER,)):
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        by.certificate.subject if by else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        NOW + since * DAY,
        NOW + days * DAY,
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    else:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, False).add_extension(x509.ExtendedKeyUsage(usages), False)
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass
class Case:
    """The texts of the files; None for none."""

    certificate: str | None
    key: str | None
    ca: str | None
    told: list[str] = field(default_factory=list)
    mutual: bool = False


ROOT, OTHER = sign("Corp", ca=True), sign("Other", ca=True)
TWIN = sign("Corp", ca=True)
BETWEEN = sign("Corp Issuing", ROOT, ca=True)
GOOD = sign("db", ROOT)
BELOW = sign("db", BETWEEN)


def case(signed, *told, ca=None, key=None, more="", mutual=False):
    return Case(signed.pem + more, key or signed.key_pem(), ca or ROOT.pem, [*told], mutual)


OLD_ROOT = sign("Corp", ca=True, since=-60, days=-2)
LEAF_AS_AUTHORITY = sign("Corp", hosts=("corp.example.com",))
GOOD_CASES = {
    "by a root": case(GOOD),
    "by another below it, sent along": case(BELOW, more=BETWEEN.pem),
    "by another below it, trusted": case(BELOW, ca=ROOT.pem + BETWEEN.pem),
    "by a wildcard": case(sign("db", ROOT, hosts=("*.example.com",))),
    "for both uses": case(sign("postgresql", ROOT, usages=(SERVER, CLIENT)), mutual=True),
}
BAD_CASES = {
    "expired": case(
        sign("db", ROOT, since=-40, days=-2),
        f"the certificate has expired on {NOW - 2 * DAY:%Y-%m-%d}",
        "have it renewed",
    ),
    "not yet valid": case(
        sign("db", ROOT, since=1), "the certificate is not valid before", "the clock of this host shows"
    ),
    "wrong host": case(
        sign("db", ROOT, hosts=("elsewhere.example.com",)),
        f"the certificate is not for {HOST}",
        "is for elsewhere.example.com",
    ),
    "a wildcard is good for one label": case(
        sign("db", ROOT, hosts=("*.com",)), f"the certificate is not for {HOST}", "is for *.com"
    ),
    "no host": case(sign("db", ROOT, hosts=()), "no host (it has no subjectAltName)"),
    "wrong authority": case(
        sign("db", OTHER), "no authority of the file ca has signed", "issued by CN=Other", "ca.pem holds CN=Corp"
    ),
    "an authority of the same name": case(sign("db", TWIN), "another authority of that name", "another key"),
    "what leads to the root is missing": case(BELOW, "no authority of the file ca", "put CN=Corp Issuing into"),
    "the root is missing": case(BELOW, "the root is missing", "add the certificate of CN=Corp", ca=BETWEEN.pem),
    "self-signed": case(sign("db"), "the certificate is self-signed", "have an authority issue it"),
    "an expired authority": case(
        sign("db", OLD_ROOT), "the certificate has expired", "ca.pem: CN=Corp", ca=OLD_ROOT.pem
    ),
    "no authority": case(
        sign("db", LEAF_AS_AUTHORITY),
        "the certificate is not that of an authority",
        "CA:TRUE",
        ca=LEAF_AS_AUTHORITY.pem,
    ),
    "another key": case(GOOD, "the key does not fit the certificate", "key.pem is not the key of", key=OTHER.key_pem()),
    "an encrypted key": case(GOOD, "the key is encrypted", "openssl pkey -in", key=GOOD.key_pem(b"secret")),
    "no key": case(GOOD, "the file of key holds no key in PEM", key="something"),
    "a key in the place of a certificate": Case(
        GOOD.key_pem(), GOOD.key_pem(), ROOT.pem, ["holds no certificate in PEM", "a key is there"]
    ),
    "no certificate": Case("", GOOD.key_pem(), ROOT.pem, ["holds no certificate in PEM", "openssl x509 -inform DER"]),
    "no certificate of an authority": Case(
        GOOD.pem, GOOD.key_pem(), "x", ["the file of ca holds no certificate in PEM"]
    ),
    "no file": Case(GOOD.pem, None, ROOT.pem, ["the file of key cannot be read", "No such file or directory"]),
    "a weak RSA key": case(
        sign("db", ROOT, key=rsa.generate_private_key(65537, 1024)), "too weak for TLS", "RSA key of 1024 bits"
    ),
    "a weak curve": case(sign("db", ROOT, key=ec.generate_private_key(ec.SECP192R1())), "curve of 192 bits"),
    "for clients alone": case(sign("db", ROOT, usages=(CLIENT,)), "is not for the use serverAuth"),
    "for servers alone": case(sign("postgresql", ROOT), "is not for the use clientAuth", mutual=True),
    "a subject by which replicas do not know each other": case(
        sign("db", ROOT, usages=(SERVER, CLIENT)), "the subject is not CN=postgresql", "db", mutual=True
    ),
}


@pytest.fixture
def run(run_module, tmp_path, monkeypatch):
    package = "ansible_collections.cdc.pipeline.plugins"
    disk = importlib.import_module(f"{package}.module_utils._disk")
    module = importlib.import_module(f"{package}.modules.certificates")
    monkeypatch.setattr(module, "Disk", lambda: disk.Disk(root=False))

    def call(**options):
        given = {"folder": str(tmp_path / "kept"), "authority_name": "ours", "servers": {"postgresql": [HOST]}}
        return run_module("certificates", **{**given, "hosts": {"postgresql": [HOST]}, **options})

    return call


def written(case, folder: Path):
    for name in ("certificate", "key", "ca"):
        text = getattr(case, name)
        if text is not None:
            (folder / f"{name}.pem").write_text(text)
    return {name: str(folder / f"{name}.pem") for name in ("certificate", "key", "ca")}


@pytest.mark.parametrize("name", GOOD_CASES)
def test_good_ones_are_used_as_they_are(run, tmp_path, name):
    case = GOOD_CASES[name]
    options = {
        "given_servers": {"postgresql": written(case, tmp_path)},
        "mutual": ["postgresql"] if case.mutual else [],
    }
    result = run(**options)
    assert result["servers"] == {"postgresql": {"certificate": case.certificate, "key": case.key, "ca": case.ca}}
    assert list(result["issued"]) == ["authority"] and not run(**options)["changed"]


@pytest.mark.parametrize("name", BAD_CASES)
def test_each_that_is_no_good_is_told_before_anything_is_changed(run, tmp_path, name):
    case = BAD_CASES[name]
    options = {
        "given_servers": {"postgresql": written(case, tmp_path)},
        "mutual": ["postgresql"] if case.mutual else [],
    }
    with pytest.raises(
        Exception, match="1 problem with the certificates that you give; nothing has been changed"
    ) as caught:
        run(**options)
    message = str(caught.value)
    assert all(part in message for part in ["certificates_servers.postgresql", str(tmp_path), *case.told]), message
    assert "PRIVATE KEY" not in message.replace("-----BEGIN PRIVATE KEY-----", "")
    assert not (tmp_path / "kept").exists()


def test_everything_is_told_at_once(run, tmp_path):
    bad = sign("db", OTHER, hosts=("elsewhere",), since=-9, days=-1)
    with pytest.raises(Exception, match="5 problems") as caught:
        run(given_servers={"postgresql": written(case(bad, key=GOOD.key_pem()), tmp_path), "nothing": {}})
    told = ("has expired", "is not for", "does not fit", "no authority of", "runs no such server")
    assert all(part in str(caught.value) for part in told)


def test_an_unreadable_file(run, tmp_path):
    given = written(case(GOOD), tmp_path)
    Path(given["ca"]).unlink()
    Path(given["ca"]).mkdir()
    with pytest.raises(Exception, match="Is a directory"):
        run(given_servers={"postgresql": given})


def test_nothing_secret_is_in_the_result_of_a_look(run, tmp_path):
    result = run(given_servers={"postgresql": written(case(GOOD), tmp_path)}, contents=False)
    assert "PRIVATE KEY" not in result["stdout"] and "servers" not in result


AUTHORITIES = {
    "a root": (ROOT.pem, ROOT, ROOT.pem, ""),
    "below a root": (BETWEEN.pem + ROOT.pem, BETWEEN, BETWEEN.pem + ROOT.pem, BETWEEN.pem),
}


@pytest.mark.parametrize("name", AUTHORITIES)
def test_an_authority_of_the_user_s_own_issues(run, tmp_path, name):
    text, signer, trusted, sent = AUTHORITIES[name]
    files = written(Case(text, signer.key_pem(), None), tmp_path)
    options = {"given_authority": {"certificate": files["certificate"], "key": files["key"]}}
    result = run(**options)
    served = result["servers"]["postgresql"]
    assert result["authority"] == served["ca"] == trusted and served["certificate"].endswith(sent or "\n")
    x509.load_pem_x509_certificate(served["certificate"].encode()).verify_directly_issued_by(signer.certificate)
    assert list(result["issued"]) == ["servers/postgresql"] and not (tmp_path / "kept/authority.key").exists()
    assert not run(**options)["changed"]


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        (BETWEEN.pem, BETWEEN.key_pem(), "the root is missing"),
        (GOOD.pem + ROOT.pem, GOOD.key_pem(), "the certificate is not that of an authority"),
        (ROOT.pem, OTHER.key_pem(), "the key does not fit"),
        (OLD_ROOT.pem, OLD_ROOT.key_pem(), "has expired"),
    ],
)
def test_an_authority_that_cannot_issue(run, tmp_path, text, key, told):
    files = written(Case(text, key, None), tmp_path)
    with pytest.raises(Exception, match="1 problem with the certificates that you give") as caught:
        run(given_authority={"certificate": files["certificate"], "key": files["key"]})
    assert told in str(caught.value) and "certificates_authority" in str(caught.value)
