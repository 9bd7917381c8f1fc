# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates that cert-manager issues in a cluster: what it is asked for, and how far it is. Pure.

Fields and conditions are those of its API `cert-manager.io/v1`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "cert-manager.io"
# Marks what this collection has asked for, and the secrets that come of it.
LABEL = "cdc-pipeline/certificate"
# What cert-manager calls the certificate that a request is for.
_OF = "cert-manager.io/certificate-name"
_REVISION = "cert-manager.io/certificate-revision"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Issuer:
    """Who signs, as a certificate's `issuerRef` names it."""

    kind: str
    name: str
    group: str = GROUP

    @property
    def resource(self) -> str:
        """As kubectl takes it, such as `clusterissuer corporate`."""
        kind = self.kind.lower() if self.group == GROUP else f"{self.kind.lower()}.{self.group}"
        return f"{kind} {self.name}"


def object_name(server: str) -> str:
    """Of a server's Certificate and of its Secret."""
    return f"{server.replace('_', '-')}-certificate"


def certificate_object(server: str, names: Iterable[str], issuer: Issuer, days: int, renew_days: int) -> dict[str, Any]:
    """What cert-manager is asked for.

    Args:
        names: host names and addresses that the server is reached by.
    """
    labels = {
        "app.kubernetes.io/name": "certificates",
        "app.kubernetes.io/part-of": "cdc-pipeline",
        "app.kubernetes.io/managed-by": "ansible",
        LABEL: server,
    }
    name, hosts, addresses = object_name(server), *_sorted(names)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "secretName": name,
            "secretTemplate": {"labels": labels},
            # Kafka knows a broker by its subject.
            "commonName": server,
            "dnsNames": hosts,
            "ipAddresses": addresses,
            "usages": ["digital signature", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "encoding": "PKCS8", "rotationPolicy": "Always"},
            # As Go writes durations, so that nobody writes them otherwise.
            "duration": f"{days * 24}h0m0s",
            "renewBefore": f"{renew_days * 24}h0m0s",
            "issuerRef": {"name": issuer.name, "kind": issuer.kind, "group": issuer.group},
        },
    }


def _sorted(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Host names, and addresses."""
    hosts, addresses = [], []
    for name in names:
        try:
            addresses.append(str(ipaddress.ip_address(name)))
        except ValueError:
            hosts.append(name)
    return hosts, addresses


def condition(found: Document, kind: str) -> Document:
    """A condition of an object's status; empty where it has none of this kind."""
    several = (found.get("status") or {}).get("conditions") or ()
    return next((each for each in several if each.get("type") == kind), {})


def is_ready(certificate: Document) -> bool:
    """Whether the secret holds what is asked for now. A renewal that is under way changes nothing of that."""
    ready = condition(certificate, "Ready")
    generation = certificate["metadata"].get("generation", 0)
    return ready.get("status") == "True" and ready.get("observedGeneration", generation) == generation


def has_failed(certificate: Document) -> bool:
    """Whether the last issuance of what is asked for now has failed. cert-manager waits an hour before the next."""
    issuing = condition(certificate, "Issuing")
    generation = certificate["metadata"].get("generation", 0)
    return (
        issuing.get("status") == "False"
        and issuing.get("observedGeneration", generation) == generation
        and bool((certificate.get("status") or {}).get("lastFailureTime"))
    )


def newest_request(certificate: Document, requests: Iterable[Document]) -> Document | None:
    """The last CertificateRequest of a Certificate."""
    name = certificate["metadata"]["name"]
    own = [each for each in requests if (each["metadata"].get("annotations") or {}).get(_OF) == name]
    return max(own, key=_age, default=None)


def _age(request: Document) -> tuple[int, str]:
    revision = str((request["metadata"].get("annotations") or {}).get(_REVISION) or "")
    return (int(revision) if revision.isdigit() else 0, str(request["metadata"].get("creationTimestamp") or ""))


def said(found: Document) -> str:
    """What cert-manager says of an object, such as `Certificate kafka-certificate: Ready is False, Pending: …`."""
    several = (found.get("status") or {}).get("conditions") or ()
    words = "; ".join(_condition_said(each) for each in several) or "cert-manager has said nothing of it"
    return f"{found['kind']} {found['metadata']['name']}: {words}"


def _condition_said(each: Document) -> str:
    parts = [f"{each.get('type')} is {each.get('status')}", str(each.get("reason") or "")]
    message = " ".join(str(each.get("message") or "").split())
    return ", ".join(filter(None, parts)) + (f": {message}" if message else "")


def next_step(certificate: Document, request: Document | None, issuer: Issuer, namespace: str) -> str:
    """What to do where a certificate does not become ready."""
    name = certificate["metadata"]["name"]
    if request is None and not (certificate.get("status") or {}).get("conditions"):
        return "see whether cert-manager's controller runs and is in charge of this namespace: kubectl get pods -A"
    if request is not None and condition(request, "Denied").get("status") == "True":
        return (
            f"have the policy that denied it admit certificates like this one (kubectl describe certificate {name} "
            f"-n {namespace}), and run again"
        )
    if request is not None and not condition(request, "Approved") and not condition(request, "Ready"):
        return (
            f"nobody has approved {request['metadata']['name']}: have your approver admit it, or "
            f"`cmctl approve -n {namespace} {request['metadata']['name']}`, and run again"
        )
    where = f" -n {namespace}" if issuer.kind == "Issuer" else ""
    return f"fix what it says, of the issuer as a rule (kubectl describe {issuer.resource}{where}), and run again"


def differing(wanted: Sequence[str]) -> str:
    """Why a certificate is requested again: the places in which it is not as stated."""
    if any(place.startswith("spec.issuerRef") for place in wanted):
        return "another issuer is to sign it"
    if any(place.startswith(("spec.dnsNames", "spec.ipAddresses")) for place in wanted):
        return "its names have changed"
    return f"it is asked for otherwise ({', '.join(wanted)})"


def unanswered(
    late: Mapping[str, tuple[Document, Document | None]], issuer: Issuer, namespace: str
) -> tuple[list[str], list[str]]:
    """What is said of certificates that are not ready, and what to do, each once.

    Args:
        late: by server, its Certificate and the last request for it.
    """
    why = [said(each) for pair in late.values() for each in pair if each is not None]
    return why, list(dict.fromkeys(_steps(late, issuer, namespace)))


def _steps(late: Mapping[str, tuple[Document, Document | None]], issuer: Issuer, namespace: str) -> Iterator[str]:
    for certificate, request in late.values():
        yield next_step(certificate, request, issuer, namespace)
