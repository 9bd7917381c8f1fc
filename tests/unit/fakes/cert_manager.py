# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster with cert-manager: it signs a Certificate as soon as that is applied, or does not."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import Wanted, issue, make_authority
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import Pair, pem

from .cluster_api import FakeClusterApi
from .http import Call

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
PENDING = {"type": "Ready", "status": "False", "reason": "Pending", "message": "the issuer is not ready"}
APPROVED = {"type": "Approved", "status": "True", "reason": "cert-manager.io"}
DENIED = {"type": "Denied", "status": "True", "reason": "policy.cert-manager.io", "message": "no policy allows kafka"}
FAILED = {"type": "Ready", "status": "False", "reason": "Failed", "message": "the CA's key is gone"}


class FakeCertManager(FakeClusterApi):
    """
    :ivar authority: signs, and is in `ca.crt`.
    :ivar behaves: `issues`; `fails` and gives up; leaves requests `pending`, or `denied`; is `absent`.
    :ivar issued: how often each secret was issued.
    """

    def __init__(self) -> None:
        super().__init__()
        self.serves = {"cert-manager.io"}
        self.authority: Pair = make_authority("corporate", 3650, NOW)
        self.behaves = "issues"
        self.issued: dict[str, int] = {}

    def secret(self, name: str) -> dict[str, str]:
        return {
            key: base64.b64decode(text).decode() for key, text in self.objects["secrets", "here", name]["data"].items()
        }

    def renew(self, name: str) -> None:
        """Issues the certificate of this name, whether it is due or not."""
        found = self.objects["certificates", "here", name]
        spec = found["spec"]
        names = (*spec["dnsNames"], *spec["ipAddresses"])
        pair = issue(Wanted(spec["commonName"], names, 90), self.authority, NOW)
        texts = {"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem, "ca.crt": pem(self.authority.certificate)}
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        labels = spec["secretTemplate"]["labels"]
        self.add("secrets", spec["secretName"], "here", data=data, metadata={"labels": labels})
        self.issued[name] = self.issued.get(name, 0) + 1
        generation = found["metadata"]["generation"]
        found["status"] = {
            "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": generation}]
        }

    def _patch(self, key: tuple[str, str, str], call: Call) -> Any:
        before = self.objects.get(key, {})
        made = super()._patch(key, call)
        if key[0] != "certificates" or call.query.get("dryRun"):
            return made
        same = before.get("spec") == made["spec"]
        made["metadata"]["generation"] = before.get("metadata", {}).get("generation", 0) + (not same)
        if not same:
            getattr(self, f"_{self.behaves}")(key[2], made)
        return made

    def _issues(self, name: str, _made: Any) -> None:
        self.renew(name)

    def _absent(self, _name: str, _made: Any) -> None:
        pass

    def _pending(self, name: str, made: Any, *conditions: Any, **status: Any) -> None:
        generation = made["metadata"]["generation"]
        made["status"] = {
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "Issuing certificate"},
                {"type": "Issuing", "status": "True", "reason": "DoesNotExist", "observedGeneration": generation},
            ],
            **status,
        }
        annotations = {"cert-manager.io/certificate-name": name, "cert-manager.io/certificate-revision": "1"}
        self.add(
            "certificaterequests",
            f"{name}-1",
            "here",
            status={"conditions": list(conditions or (APPROVED, PENDING))},
            metadata={"annotations": annotations},
        )

    def _denied(self, name: str, made: Any) -> None:
        self._fails(name, made, DENIED)

    def _fails(self, name: str, made: Any, *conditions: Any) -> None:
        self._pending(name, made, *(conditions or (APPROVED, FAILED)), lastFailureTime="2026-01-01T00:00:00Z")
        made["status"]["conditions"][1] |= {"status": "False", "reason": "Failed"}
