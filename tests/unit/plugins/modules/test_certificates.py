# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates are issued once, and anew for a reason that is named."""

from __future__ import annotations

import datetime
import importlib
import ssl

import pytest
from cryptography import x509

PACKAGE = "ansible_collections.cdc.pipeline.plugins.module_utils"
KAFKA = {"kafka": ["localhost", "127.0.0.1", "::1", "*.kafka-headless.shop.svc"]}


@pytest.fixture
def run(run_module, tmp_path, monkeypatch):
    disk = importlib.import_module(f"{PACKAGE}._disk")
    module = importlib.import_module("ansible_collections.cdc.pipeline.plugins.modules.certificates")
    monkeypatch.setattr(module, "Disk", lambda: disk.Disk(root=False))

    def call(check=False, **options):
        given = {"folder": str(tmp_path / "kept"), "authority_name": "ours", "servers": KAFKA, **options}
        return run_module("certificates", check=check, **given)

    return call


@pytest.fixture
def on(monkeypatch):
    """Lets the clock stand at so many days from now."""
    files = importlib.import_module(f"{PACKAGE}._certificates.files")

    def of(days):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        monkeypatch.setattr(files, "now", lambda: moment.replace(microsecond=0))

    return of


def handshake(server, client_ca, host, mutual=False):
    """Runs a TLS handshake in memory. Raises ssl.SSLError where either side refuses."""
    at_server, at_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=client_ca)
    # As OpenSSL's checks before Python 3.13 leave it off, while Java and Go are strict.
    at_client.verify_flags |= ssl.VERIFY_X509_STRICT
    at_server.load_cert_chain(server["certificate_file"], server["key_file"])
    if mutual:
        at_server.verify_mode = ssl.CERT_REQUIRED
        at_server.load_verify_locations(cadata=client_ca)
        at_client.load_cert_chain(server["certificate_file"], server["key_file"])
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        at_client.wrap_bio(one, other, server_hostname=host),
        at_server.wrap_bio(other, one, server_side=True),
    ]
    for _round in range(6):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def served(result, tmp_path, name="kafka"):
    files = {"certificate_file": tmp_path / "served.pem", "key_file": tmp_path / "served.key"}
    files["certificate_file"].write_text(result["servers"][name]["certificate"])
    files["key_file"].write_text(result["servers"][name]["key"])
    return files


def test_issues_what_is_missing_once(run, tmp_path):
    dry = run(check=True)
    assert dry["changed"] and not (tmp_path / "kept").exists()
    assert dry["issued"] == {"authority": "there was none", "servers/kafka": "there was none"}
    real = run()
    assert real["changed"] and real["issued"] == dry["issued"]
    assert real["servers"]["kafka"]["ca"] == real["authority"]
    again = run()
    assert not again["changed"] and not again["issued"] and "diff" not in again
    assert again["servers"] == real["servers"] and again["authority"] == real["authority"]


def test_only_root_reads_keys_and_no_difference_shows_them(run, tmp_path):
    result = run()
    kept = tmp_path / "kept"
    assert {path.stat().st_mode & 0o777 for path in [kept, *kept.iterdir()] if path.is_dir()} == {0o700}
    keys = sorted(kept.glob("**/*.key"))
    assert len(keys) == 2 and {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert "PRIVATE KEY" not in str(result["diff"])
    keys[0].chmod(0o640)
    assert run(check=True)["changed"] and run()["changed"] and keys[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "kafka-2.kafka-headless.shop.svc"])
def test_servers_are_known_by_each_of_their_names_and_to_each_other(run, tmp_path, host):
    result = run()
    handshake(served(result, tmp_path), result["authority"], host, mutual=True)


def test_strangers_are_refused(run, tmp_path):
    result = run()
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(served(result, tmp_path), result["authority"], "kafka.example.com")
    other = run(folder=str(tmp_path / "other"))["authority"]
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        handshake(served(result, tmp_path), other, "localhost")


def test_the_subject_is_the_name_alone_and_a_client_serves_nothing(run):
    result = run(clients=["reader"])
    server = x509.load_pem_x509_certificate(result["servers"]["kafka"]["certificate"].encode())
    client = x509.load_pem_x509_certificate(result["clients"]["reader"]["certificate"].encode())
    assert (server.subject.rfc4514_string(), client.subject.rfc4514_string()) == ("CN=kafka", "CN=reader")
    usages = [list(each.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) for each in (server, client)]
    purposes = x509.ExtendedKeyUsageOID
    assert usages == [[purposes.SERVER_AUTH, purposes.CLIENT_AUTH], [purposes.CLIENT_AUTH]]
    assert result["servers"]["kafka"]["key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("spoil", "issued"),
    [
        (lambda kept: (kept / "servers/kafka.pem").unlink(), {"servers/kafka": "there was none"}),
        (lambda kept: (kept / "servers/kafka.key").write_text("x"), {"servers/kafka": "its file was damaged"}),
        (lambda kept: (kept / "servers/kafka.pem").write_text("x"), {"servers/kafka": "its file was damaged"}),
        (
            lambda kept: (kept / "servers/kafka.key").write_text((kept / "authority.key").read_text()),
            {"servers/kafka": "its key does not fit"},
        ),
        (
            lambda kept: (kept / "authority.key").write_text((kept / "servers/kafka.key").read_text()),
            {"authority": "its key does not fit", "servers/kafka": "another authority has signed it"},
        ),
        (
            lambda kept: (kept / "authority.pem").unlink(),
            {"authority": "there was none", "servers/kafka": "another authority has signed it"},
        ),
    ],
)
def test_what_does_not_fit_is_issued_anew(run, tmp_path, spoil, issued):
    run()
    spoil(tmp_path / "kept")
    dry = run(check=True)
    assert dry["changed"] and dry["issued"] == issued
    assert run()["issued"] == issued
    assert not run()["changed"]


def test_names_decide_and_not_their_order(run):
    run()
    assert not run(servers={"kafka": [*reversed(KAFKA["kafka"])]})["changed"]
    assert not run(servers={"kafka": ["0:0:0:0:0:0:0:1" if name == "::1" else name for name in KAFKA["kafka"]]})[
        "changed"
    ]
    assert run(servers={"kafka": KAFKA["kafka"][:-1]})["issued"] == {"servers/kafka": "its names have changed"}


def test_what_ends_soon_is_issued_anew(run, on):
    first = run(days=100, renew_days=10)
    on(89)
    assert not run(days=100, renew_days=10)["changed"]
    on(91)
    second = run(days=100, renew_days=10)
    assert list(second["issued"]) == ["servers/kafka"] and "it ends on" in second["issued"]["servers/kafka"]
    assert second["authority"] == first["authority"]
    assert not run(days=100, renew_days=10)["changed"]


def test_a_new_authority_signs_everything_anew(run, on):
    run(days=100, renew_days=10, authority_days=300)
    on(295)
    assert list(run(days=100, renew_days=10, authority_days=300)["issued"]) == ["authority", "servers/kafka"]
    assert not run(days=100, renew_days=10, authority_days=300)["changed"]


def test_no_certificate_outlives_its_authority_nor_is_issued_in_every_run_for_it(run, on):
    run(days=100, renew_days=10, authority_days=120)
    on(95)
    result = run(days=100, renew_days=10, authority_days=120)
    ends = [
        x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc
        for text in (result["authority"], result["servers"]["kafka"]["certificate"])
    ]
    assert result["issued"] and ends[0] == ends[1]
    on(105)
    assert not run(days=100, renew_days=10, authority_days=120)["changed"]


def test_a_clock_that_was_ahead(run, on):
    on(400)
    run()
    on(0)
    result = run()
    assert result["issued"]["authority"].startswith("it is valid from") and "servers/kafka" in result["issued"]


def test_terms_that_would_issue_anew_in_every_run(run):
    with pytest.raises(Exception, match="cannot be renewed 365 days before"):
        run(renew_days=365)


def test_the_library_is_missing(run, monkeypatch):
    parts = importlib.import_module(f"{PACKAGE}._certificates.parts")
    monkeypatch.setattr(parts, "_TRACE", "ImportError")
    with pytest.raises(Exception, match="cryptography"):
        run()
