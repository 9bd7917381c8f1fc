# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is searched for is found, however it is written and wherever it is packed. Needs no instance."""

from __future__ import annotations

import base64
import gzip
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from canaries import canaries, canary
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kept import wrong_modes
from needles import Search, secrets_of
from places import Processes, Temporary, dumps, find_in_files
from waiting import until

SECRET = canary("x")
SEARCH = Search({"x": {SECRET}})


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}\n",
        json.dumps({"a": f"x{SECRET}y"}),
        f"http://user:{quote_plus(SECRET)}@host",
        *(base64.b64encode(f"{'user:x'[:length]}{SECRET}".encode()).decode() for length in range(6)),
        base64.urlsafe_b64encode(f"{SECRET}, and more".encode()).decode(),
        SECRET.encode().hex(),
        SECRET.replace('"', '\\"').replace("=", "\\="),
    ],
)
def test_whatever_it_is_written_in(text: str):
    assert SEARCH.find(text) == {"x"}


def test_what_only_begins_alike_is_another():
    assert SEARCH.find(SECRET[:20]) == set()
    assert SEARCH.find(canary("x")) == set()


def packed(folder: Path) -> list[Path]:
    content = f"secret: {SECRET}".encode()
    (folder / "a.log").write_bytes(b"\xff\0\n" + content)
    (folder / "a.log.gz").write_bytes(gzip.compress(content))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(folder / "a.log.gz", "inner/a.log.gz")
    (folder / "a.tar.gz").write_bytes(gzip.compress(stream.getvalue()))
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.tar", stream.getvalue())
    return [folder / name for name in ("a.log", "a.log.gz", "a.tar.gz", "a.zip")]


def test_whatever_it_is_packed_in(tmp_path: Path):
    files = packed(tmp_path)
    (tmp_path / "other").write_text("nothing")
    (tmp_path / "broken.zip").write_text("nothing")
    found = find_in_files(SEARCH, [*files, tmp_path / "other", tmp_path / "broken.zip", tmp_path / "none"])
    assert found == {path: {"x"} for path in files}


def test_secrets_are_known_by_where_they_are(tmp_path: Path):
    for folder in ("credentials", "kafka-0/secrets/tls", "kafka-0/config"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "credentials/admin").write_text(f"{SECRET}\n")
    (tmp_path / "kafka-0/secrets/users.properties").write_text(
        f'login=Module required password="a1b2c3d4e5f6g7h8i9j0k1";\nca={tmp_path}/kafka-0/config/trust/of/kafka.pem'
    )
    key = ec.generate_private_key(ec.SECP256R1())
    kind, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    text = key.private_bytes(encoding, kind, serialization.NoEncryption()).decode()
    certificate = f"-----BEGIN CERTIFICATE-----\n{text.splitlines()[3]}\n-----END CERTIFICATE-----\n"
    (tmp_path / "kafka-0/secrets/tls/keystore.pem").write_text(certificate + text)
    (tmp_path / "kafka-0/config/server.properties").write_text("x=a1b2c3d4e5f6g7h8i9j0k1l2")
    assert secrets_of(tmp_path) == {
        "credentials/admin": {SECRET},
        # What follows is the public half, which certificates have as well.
        "kafka-0/secrets/tls/keystore.pem": {text.splitlines()[1][48:], text.splitlines()[2][:26]},
        "kafka-0/secrets/users.properties": {"a1b2c3d4e5f6g7h8i9j0k1"},
    }


def test_canaries_are_given_for_most_credentials_and_are_all_different():
    given = canaries()
    assert len(given) > 12 and len(set(given.values())) == len(given)
    assert {"postgresql_cdc_password", "kafka_admin_password"} <= given.keys()


def test_a_process_that_shows_one_is_seen():
    with Processes() as seen:
        for environment in ({}, {"PASSWORD": SECRET}):
            words = ["0.3"] if environment else ["0.3", SECRET]
            command = ["/bin/sh", "-c", "sleep $0", *words]
            subprocess.run(command, env={"PATH": "/usr/bin:/bin", **environment}, check=True)
    told = {what for text, what in seen.seen.items() if SEARCH.find(text)}
    assert "arguments of /bin/sh" in told and "environment of /bin/sh" in told


def test_what_is_in_a_folder_for_a_moment_is_kept(tmp_path: Path):
    file = tmp_path / "inner" / "a"
    with Temporary(tmp_path) as kept:
        file.parent.mkdir()
        file.write_text(SECRET)
        until(lambda: dict(kept.contents), bool, 30, "it is seen")
        file.unlink()
    assert list(kept.contents.values()) == [SECRET.encode()]


def test_a_file_that_others_may_read_is_told(tmp_path: Path):
    (tmp_path / "credentials").mkdir()
    file = tmp_path / "credentials/admin"
    file.touch(mode=0o644)
    assert wrong_modes([file], tmp_path) == {str(file): f"{file.owner()} 0644, not root 0600"}


def test_a_core_is_known(tmp_path: Path):
    (tmp_path / "core").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\x00rest")
    (tmp_path / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00rest")
    (tmp_path / "java.hprof").write_bytes(b"JAVA PROFILE 1.0.2\0")
    assert [path.name for path in dumps(sorted(tmp_path.iterdir()))] == ["core", "java.hprof"]
