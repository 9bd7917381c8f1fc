# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Secrets as SealedSecrets, which a cluster's sealed-secrets controller alone can open: by its own program kubeseal."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._errors import RefusedError
from .rendering import read_yaml

MARK = "cdc-pipeline/sealed"
_SECONDS = 60


@dataclass(frozen=True)
class Sealing:
    """How secrets are sealed.

    Sealing the same contents twice gives two results. So a result carries a mark, which says what it was made of to
    who has the key of the marks, and stays as long as that is the same.

    :param certificate: file with the controller's certificate, as `kubeseal --fetch-cert` prints it.
    :param program: kubeseal, by its name or path.
    :param key: of the marks; without it nothing can be guessed by them.
    :param folder: where earlier results lie.
    """

    certificate: Path
    program: str
    folder: Path
    key: str = field(repr=False)

    def __call__(self, secret: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """The SealedSecret of a Secret.

        :param path: of the result, below the folder.
        :raises RefusedError: kubeseal is not there, or does not take the certificate.
        """
        try:
            certificate = self.certificate.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._refused(f"the certificate {self.certificate} cannot be read: {error}") from None
        before = self._there(path)
        if before and self._mark(secret, certificate, before["spec"]) == _mark_of(before):
            return before
        made = self._sealed(secret)
        metadata = made["metadata"]
        annotations = {**(metadata.get("annotations") or {}), MARK: self._mark(secret, certificate, made["spec"])}
        kept = {name: value for name, value in metadata.items() if value is not None}
        return {**made, "metadata": {**kept, "annotations": annotations}}

    def _there(self, path: str) -> Mapping[str, Any] | None:
        try:
            found = read_yaml((self.folder / path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(found, Mapping) and isinstance(found.get("metadata"), Mapping) and "spec" in found
        return found if whole else None

    def _mark(self, secret: Mapping[str, Any], certificate: str, spec: Mapping[str, Any]) -> str:
        text = json.dumps([secret, certificate, spec], sort_keys=True)
        return hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def _sealed(self, secret: Mapping[str, Any]) -> dict[str, Any]:
        command = [self.program, "--cert", str(self.certificate), "--format", "json"]
        try:
            done = subprocess.run(
                command, input=json.dumps(secret), capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except FileNotFoundError:
            raise self._refused(f"there is no program {self.program}") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._refused(f"{self.program} cannot be run: {error}") from None
        if done.returncode:
            raise self._refused(done.stderr.strip() or f"{self.program} ended with {done.returncode}")
        return json.loads(done.stdout)

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(
            "Secrets cannot be sealed",
            where=f"{self.program} --cert {self.certificate}",
            why=why,
            remedy="Install kubeseal (render_kubeseal names it), and have render_sealing_certificate name a file with "
            "what `kubeseal --fetch-cert` prints of the cluster that is to open them. Nothing has been written.",
        )


def _mark_of(sealed: Mapping[str, Any]) -> str:
    return str((sealed["metadata"].get("annotations") or {}).get(MARK, ""))
