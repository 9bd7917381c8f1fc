# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether cert-manager can sign for the servers of a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._certificates.manager import Issuer, condition
from .._problem import Problem

_OTHERWISE = "or remove certificates_issuer: then the pipeline's own authority signs"
# Of issuers that cannot: what they sign with, as their spec has it, why not, and what to do.
_UNFIT = {
    "acme": (
        "signs for public names alone, while servers in a cluster have others (localhost, *.svc, addresses)",
        "choose one of another kind, such as CA or Vault",
    ),
    "selfSigned": (
        "has each certificate sign itself, so clients have no authority to trust",
        "choose one of the kind CA, which may use a certificate that this one has signed",
    ),
}


def unserved(issuer: Issuer, target: object, *, manager: bool, group: bool) -> Iterator[Problem]:
    """What the cluster lacks.

    :param manager: whether it serves cert-manager's own API.
    :param group: whether it serves the issuer's.
    """
    if not manager:
        yield Problem(
            "certificate",
            "The cluster has no cert-manager, which certificates_issuer asks to sign",
            found=f"{target} does not serve certificates.cert-manager.io/v1",
            remedy=f"install cert-manager and its resource definitions; {_OTHERWISE}",
        )
    if not group:
        yield Problem(
            "certificate",
            f"The cluster does not know the API {issuer.group} of the issuer {issuer.name}",
            found=f"certificates_issuer.group is {issuer.group}; asked of {target}",
            remedy="correct certificates_issuer, or install what serves this API",
        )


def issuer_problems(issuer: Issuer, found: Mapping[str, Any] | None, namespace: str) -> Iterator[Problem]:
    """What keeps one of cert-manager's own issuers from signing.

    :param found: as the API gives it; None where there is no such one.
    """
    flag = f" -n {namespace}" if issuer.kind == "Issuer" else ""
    whole = f"The {issuer.kind} {issuer.name}"
    if found is None:
        where = f" in the namespace {namespace}" if flag else ""
        yield Problem(
            "certificate",
            f"{whole} of certificates_issuer is not there{where}",
            found=f"see kubectl get {issuer.kind.lower()}s{flag}",
            remedy="correct certificates_issuer (kind, name), or have it made",
        )
        return
    for kind, (why, remedy) in _UNFIT.items():
        if kind in (found.get("spec") or {}):
            yield Problem("certificate", f"{whole} {why}", found=f"spec.{kind}", remedy=f"{remedy}; {_OTHERWISE}")
    ready = condition(found, "Ready")
    if ready.get("status") != "True":
        said = ", ".join(filter(None, (ready.get("reason"), ready.get("message"))))
        yield Problem(
            "certificate",
            f"{whole} is not ready, so that cert-manager would sign nothing",
            found=said or "cert-manager has said nothing of it: its controller may not be running",
            remedy=f"fix it (kubectl describe {issuer.resource}{flag}), and run again",
        )
