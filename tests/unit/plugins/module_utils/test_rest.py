# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError, RequestError, UnreachableError
from ansible_collections.cdc.pipeline.plugins.module_utils._rest import Repeat, RestClient, repeatable
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import FakeServer, Reply

OPTIONS = {
    "username": None,
    "password": None,
    "validate_certs": True,
    "ca_path": None,
    "client_cert": None,
    "client_key": None,
    "use_proxy": True,
    "timeout": 5,
    "retry_timeout": 2,
}
OWN = {"error_code": 503, "message": "no"}


class Echo(FakeServer):
    def answer(self, call):
        return {"path": list(call.path), "query": call.query}


@pytest.fixture
def server():
    with Echo() as echo:
        yield echo


def client(server, **options):
    return RestClient({**OPTIONS, "url": server.url, **options}, "The server", sleep=lambda seconds: None)


def refusal(status, code=1):
    return RequestError("no", status=status, code=code, why="")


@pytest.mark.parametrize(
    ("error", "idempotent", "expected"),
    [
        (UnreachableError("no", never_sent=True), False, Repeat.UNTIL_DEADLINE),
        (UnreachableError("no"), True, Repeat.UNTIL_DEADLINE),
        (UnreachableError("no"), False, Repeat.NEVER),
        (UnreachableError("no", lasting=True), True, Repeat.NEVER),
        (refusal(503), True, Repeat.UNTIL_DEADLINE),
        (refusal(503), False, Repeat.NEVER),
        (refusal(429), True, Repeat.UNTIL_DEADLINE),
        (refusal(500), True, Repeat.A_FEW_TIMES),
        (refusal(500), False, Repeat.NEVER),
        (refusal(404, code=None), True, Repeat.A_FEW_TIMES),
        (refusal(404), True, Repeat.NEVER),
        (refusal(401, code=None), True, Repeat.NEVER),
        (refusal(422), True, Repeat.NEVER),
        (InvalidError("no"), True, Repeat.NEVER),
    ],
)
def test_only_what_is_safe_is_repeated(error, idempotent, expected):
    assert repeatable(error, idempotent, lambda error: False) is expected


def test_a_momentary_refusal_is_repeated_whatever_the_request():
    assert repeatable(refusal(409), False, lambda error: error.status == 409) is Repeat.UNTIL_DEADLINE


def test_segments_are_quoted(server):
    answer = client(server).call("GET", "subjects", "a/b c?d", query={"expand": ["x", "y"]})
    assert answer == {"path": ["subjects", "a/b c?d"], "query": {"expand": "y"}}


def test_a_post_whose_connection_breaks_is_not_sent_again(server):
    server.disturbances = [None]
    with pytest.raises(UnreachableError):
        client(server).call("POST", "x", body={})
    assert len(server.calls) == 1


def test_a_put_whose_connection_breaks_is_sent_again(server):
    server.disturbances = [None, Reply(503, OWN)]
    assert client(server).call("PUT", "x", body={})["path"] == ["x"]
    assert len(server.calls) == 3


def test_a_server_that_is_starting_is_waited_for():
    with Echo() as first:
        url = first.url
    late = Echo(port=int(url.rpartition(":")[2]), listen=False)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            late.listen()

    with late:
        options = {**OPTIONS, "url": url, "retry_timeout": 10}
        assert RestClient(options, "The server", sleep=pause).call("POST", "x", body={})["path"] == ["x"]
    assert len(pauses) == 3
    assert len(late.calls) == 1


def test_an_internal_error_is_believed_after_a_few_attempts(server):
    server.disturbances = [Reply(500, OWN)] * 10
    with pytest.raises(RequestError, match="refused a request") as failure:
        client(server).call("GET", "x")
    assert "6 attempts" in failure.value.why
    assert len(server.calls) == 6


def test_another_server_is_recognised(server):
    server.disturbances = [Reply(200, "<html>hello</html>")]
    with pytest.raises(RequestError, match="does not answer as The server does"):
        client(server).call("GET", "x")


def test_a_redirect_is_not_followed(server):
    server.disturbances = [Reply(302, "elsewhere")]
    with pytest.raises(RequestError) as failure:
        client(server, username="u", password="p").call("GET", "x")
    assert "redirects to" in failure.value.remedy
    assert len(server.calls) == 1


def test_a_password_in_the_address_never_shows(server):
    server.disturbances = [Reply(401)]
    url = server.url.replace("//", "//user:hunter2@")
    with pytest.raises(RequestError) as failure:
        client(server, url=url).call("GET", "x")
    assert "hunter2" not in failure.value.message


@pytest.mark.parametrize(
    ("address", "options", "login"),
    [
        ("us%40er:pass%3Aword@", {}, "us@er:pass:word"),
        ("", {"username": "ü", "password": "p"}, "ü:p"),
        ("other:one@", {"username": "u", "password": None}, "u:"),
    ],
)
def test_who_signs_in(server, address, options, login):
    client(server, url=server.url.replace("//", f"//{address}"), **options).call("GET", "x")
    scheme, _blank, coded = server.calls[0].headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(coded).decode()) == ("Basic", login)


@pytest.mark.parametrize("url", ["localhost", "localhost:8083", "http://localhost:none"])
def test_an_address_that_is_none(server, url):
    with pytest.raises(UnreachableError, match="does not answer"):
        client(server, url=url, retry_timeout=0).call("GET", "x")


def test_an_unknown_host_is_told_at_once(server):
    with pytest.raises(UnreachableError, match="does not answer") as failure:
        client(server, url="http://no-such-host.invalid", retry_timeout=60).call("GET", "x")
    assert failure.value.where == "http://no-such-host.invalid/x"


class Tls:
    """Certificates for 127.0.0.1, and a server that wants one from its clients too."""

    def __init__(self, folder, host="127.0.0.1", days=(-1, 1)):
        x509 = pytest.importorskip("cryptography.x509")
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, hashes.SHA256())
        )
        self.certificate, self.key = str(folder / "cert.pem"), str(folder / "key.pem")
        pem = serialization.Encoding.PEM
        (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
        (folder / "key.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

    def context(self, wants_client):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.certificate)
        return context


def test_an_untrusted_certificate_is_refused_at_once(tmp_path):
    tls = Tls(tmp_path)
    with Echo(tls.context(wants_client=False)) as server:
        with pytest.raises(UnreachableError) as failure:
            client(server, retry_timeout=60).call("GET", "x")
        assert "ca_path" in failure.value.remedy
        assert client(server, ca_path=tls.certificate).call("GET", "x")["path"] == ["x"]
        assert client(server, validate_certs=False).call("GET", "x")["path"] == ["x"]


def test_a_client_certificate_is_shown(tmp_path):
    tls = Tls(tmp_path)
    with Echo(tls.context(wants_client=True)) as server:
        options = {"ca_path": tls.certificate, "client_cert": tls.certificate, "client_key": tls.key}
        assert client(server, **options).call("GET", "x")["path"] == ["x"]
        with pytest.raises(UnreachableError):
            client(server, ca_path=tls.certificate, retry_timeout=0).call("GET", "x")


@pytest.mark.parametrize(
    ("made", "why", "remedy"),
    [
        ({"days": (-5, -1)}, "certificate has expired", "out of date"),
        ({"days": (1, 9)}, "certificate is not yet valid", "compare the clocks"),
        ({"host": "127.0.0.9"}, "IP address mismatch", "a host name in the option url that is in its certificate"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told(tmp_path, made, why, remedy):
    tls = Tls(tmp_path, **made)
    with Echo(tls.context(wants_client=False)) as server, pytest.raises(UnreachableError) as failure:
        client(server, ca_path=tls.certificate, retry_timeout=60).call("GET", "x")
    assert (why in failure.value.why, remedy in failure.value.remedy) == (True, True), failure.value.message
    assert failure.value.where == f"{server.url}/x"


def test_an_authority_of_another_server_is_named(tmp_path):
    (tmp_path / "own").mkdir()
    tls, own = Tls(tmp_path), Tls(tmp_path / "own")
    with Echo(tls.context(wants_client=False)) as server, pytest.raises(UnreachableError) as failure:
        client(server, ca_path=own.certificate, retry_timeout=60).call("GET", "x")
    assert f"{own.certificate} does not hold it" in failure.value.remedy


@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_a_file_that_is_not_there_is_named(tmp_path, option):
    tls = Tls(tmp_path)
    missing = str(tmp_path / "missing.pem")
    with Echo(tls.context(wants_client=False)) as server, pytest.raises(InvalidError) as failure:
        client(server, **{"ca_path": tls.certificate, option: missing}).call("GET", "x")
    assert missing in failure.value.where and option in failure.value.remedy


def test_one_that_encrypts_and_one_that_does_not_are_told_apart(tmp_path, server):
    with pytest.raises(UnreachableError) as failure:
        client(server, url=server.url.replace("http:", "https:"), retry_timeout=60).call("GET", "x")
    assert "does not speak TLS" in failure.value.remedy
    with Echo(Tls(tmp_path).context(wants_client=False)) as other, pytest.raises(UnreachableError) as failure:
        client(other, url=other.url.replace("https:", "http:"), retry_timeout=0).call("GET", "x")
    assert "where it encrypts, url begins with https://" in failure.value.remedy
