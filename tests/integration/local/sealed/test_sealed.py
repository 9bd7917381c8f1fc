# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Secrets are rendered for a cluster's controller alone, which is what has the private key, and stay as they are."""

from __future__ import annotations

import base64
import datetime
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rendering import ROOT, render

VERSION = "v0.32.2"
MODULE = f"github.com/bitnami-labs/sealed-secrets/cmd/kubeseal@{VERSION}"
VARIANT = "kubernetes"


@pytest.fixture(scope="session")
def kubeseal() -> str:
    """The program, kept in the cache of this repository's tools."""
    cache = Path(os.environ.get("CDC_CACHE") or Path.home() / ".cache/cdc-pipeline")
    program = cache / f"kubeseal-{VERSION}" / "kubeseal"
    if not program.exists():
        go = shutil.which("go") or "/usr/local/go/bin/go"
        environment = {**os.environ, "GOBIN": str(program.parent), "CGO_ENABLED": "0"}
        subprocess.run([go, "install", MODULE], env=environment, check=True)
    return str(program)


@dataclass(frozen=True)
class Controller:
    """A cluster's controller, as far as its key goes."""

    certificate: Path
    key: Path
    program: str

    @classmethod
    def make(cls, folder: Path, program: str, days: int = 30) -> Controller:
        folder.mkdir()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sealed-secrets")])
        now = datetime.datetime.now(datetime.UTC)
        until = now + datetime.timedelta(days=days)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(min(now, until) - datetime.timedelta(days=1))
        certificate = builder.not_valid_after(until).sign(key, hashes.SHA256())
        made = cls(folder / "certificate.pem", folder / "key.pem", program)
        made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
        return made

    def open(self, sealed: Path) -> subprocess.CompletedProcess[str]:
        command = [self.program, "--recovery-unseal", "--recovery-private-key", str(self.key), "--format", "yaml"]
        return subprocess.run(command, input=sealed.read_text(), capture_output=True, text=True, check=False)


def given() -> dict[str, str]:
    """A value for every credential."""
    defaults = yaml.safe_load((ROOT / "roles/common/defaults/main/credentials.yml").read_text())
    return {name: f"test-{name.replace('_', '-')}" for name, value in defaults.items() if value == ""}


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}


def contents(folder: Path) -> dict[str, Any]:
    """What is in each secret, by the path of its file."""
    return {
        f"{path.parent.name}/{path.name}": yaml.safe_load(path.read_text())["data"]
        for path in sorted(folder.glob("*/secret-*.yaml"))
    }


def test_the_controller_alone_opens_them_and_a_second_rendering_changes_nothing(tmp_path: Path, kubeseal: str) -> None:
    values = given()
    ours, other = (Controller.make(tmp_path / name, kubeseal) for name in ("ours", "other"))
    common = {"cdc_home": str(tmp_path / "home"), **values}
    sealing = {"render_sealing_certificate": str(ours.certificate), "render_kubeseal": kubeseal}
    out, plain = tmp_path / "out", tmp_path / "plain"
    render(VARIANT, plain, render_secrets=True, **common)
    render(VARIANT, out, **sealing, **common)

    sealed = sorted(out.glob("*/sealedsecret-*.yaml"))
    opened = {}
    for path in sealed:
        done = ours.open(path)
        assert done.returncode == 0, done.stderr
        secret = yaml.safe_load(done.stdout)
        opened[f"{path.parent.name}/{path.name.removeprefix('sealed')}"] = secret["data"]
        assert "no key could decrypt" in other.open(path).stderr
    assert opened and opened == contents(plain)

    # Nothing of them is anywhere else, neither as it is nor encoded.
    files = texts(out)
    words = [word for value in values.values() for word in (value, base64.b64encode(value.encode()).decode())]
    assert not [name for name, text in files.items() for word in words if word in text]
    assert not list(out.glob("*/secret-*.yaml"))
    resources = yaml.safe_load(files["kustomization.yaml"])["resources"]
    assert {str(path.relative_to(out)) for path in sealed} <= set(resources)

    render(VARIANT, out, **sealing, **common)
    assert texts(out) == files

    # One credential that has changed, and one file that was changed by hand: what holds them is sealed again.
    damaged = out / "archive/sealedsecret-archive-secrets.yaml"
    damaged.write_text(damaged.read_text().replace("encryptedData:", "encryptedData:\n    added: AgB"))
    render(VARIANT, out, **sealing, **{**common, "kafka_registry_password": "another"})
    after = texts(out)
    changed = {name for name in files if files[name] != after[name] and "/sealedsecret-" in name}
    assert changed == {
        "archive/sealedsecret-archive-secrets.yaml",
        "schema-registry/sealedsecret-schema-registry-secrets.yaml",
    }
    assert ours.open(damaged).returncode == 0

    # For another cluster.
    render(VARIANT, out, **{**sealing, "render_sealing_certificate": str(other.certificate)}, **common)
    assert all(other.open(path).returncode == 0 for path in sealed)


def test_what_cannot_be_sealed_is_said_and_nothing_is_written(tmp_path: Path, kubeseal: str) -> None:
    common = {"cdc_home": str(tmp_path / "home"), **given()}
    expired = Controller.make(tmp_path / "expired", kubeseal, days=-1)
    for certificate, program, words in (
        (expired.certificate, kubeseal, "expired"),
        (expired.key, kubeseal, "certificate"),
        (tmp_path / "none.pem", kubeseal, "cannot be read"),
        (expired.certificate, "kubeseal-that-is-not-there", "there is no program"),
    ):
        sealing = {"render_sealing_certificate": str(certificate), "render_kubeseal": program}
        with pytest.raises(RuntimeError, match=words) as caught:
            render(VARIANT, tmp_path / "out", **sealing, **common)
        assert "Secrets cannot be sealed" in str(caught.value)
        assert not [value for value in given().values() if value in str(caught.value)]
    assert not (tmp_path / "out").exists()
