# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The certificates of servers by cert-manager: asked for, waited for, and read."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import DeadlineError, FailedError
from .._kubernetes.api import Api
from .._kubernetes.faults import StatusError
from .._kubernetes.objects import differences, ensure, label, remove, shown, wait_until_gone
from .._problem import Problem
from .._wait import Deadline, wait_for
from .given import Files, Given, Unreadable, judge_server
from .issue import Wanted, issue, make_authority
from .manager import (
    LABEL,
    Issuer,
    certificate_object,
    differing,
    has_failed,
    is_ready,
    newest_request,
    object_name,
    said,
    unanswered,
)
from .parts import now, pem

Document = dict[str, Any]
# The keys of a secret, and what they are.
_KEYS = {"certificate": "tls.crt", "key": "tls.key", "ca": "ca.crt"}
# An API that the cluster lacks, and one that the user may not use.
_ABSENT, _FORBIDDEN = 404, 403


@dataclass
class Asked:
    """What was done, or would be.

    Attributes:
        changes: of each object that differs, its name, and how it was and is.
        issued: why a server's certificate is issued, by server.
    """

    changes: list[tuple[str, Document | None, Document | None]] = field(default_factory=list)
    issued: dict[str, str] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Manager:
    """cert-manager in a cluster, for the servers of one namespace.

    Attributes:
        days: that a certificate is valid, and how many before its end it is renewed.
        timeout: seconds until all certificates are there.
    """

    api: Api
    issuer: Issuer
    days: int
    renew_days: int
    timeout: float
    dry: bool

    def have(
        self, servers: Mapping[str, Sequence[str]], hosts: Mapping[str, Sequence[str]], mutual: Sequence[str]
    ) -> Asked:
        """Asks for the certificates of these servers, waits until they are there, and reads them.

        Args:
            servers: the names of each.
            hosts: those that clients verify it by.
            mutual: servers that also show their certificate as clients.

        Raises:
            FailedError: cert-manager could not issue one, or what it has issued is of no use.
            DeadlineError: it has not issued one in time.
            StatusError: the cluster refuses.
        """
        done = Asked()
        wanted = {
            server: certificate_object(server, names, self.issuer, self.days, self.renew_days)
            for server, names in servers.items()
        }
        self._drop_others(wanted, done)
        for server, item in wanted.items():
            self._ask(server, item, done)
        if not self.dry:
            self._wait(wanted, done)
        problems: list[Problem] = []
        for server, names in servers.items():
            given, wrong = self._read(server, hosts.get(server, ()), server if server in mutual else "")
            if self.dry and (given is None or wrong or server in done.issued):
                # In check mode something of the same kind stands for what would be issued.
                given, wrong = self._to_come(server, names), []
            problems += wrong
            if given is not None:
                pair = given.pair
                done.contents[server] = {
                    "certificate": pair.certificate_pem,
                    "key": pair.key_pem,
                    "ca": pem(*given.ca),
                }
        if problems:
            listed = "\n".join(f"{number}. {problem}" for number, problem in enumerate(problems, 1))
            raise FailedError(
                f"The certificates that cert-manager has issued cannot be used\n{listed}",
                where=f"namespace {self.api.namespace}",
                remedy=f"choose another issuer in certificates_issuer, or fix {self.issuer.resource}; what is wrong "
                f"is issued again after `kubectl delete secret NAME -n {self.api.namespace}`",
            )
        return done

    def _ask(self, server: str, wanted: Document, done: Asked) -> None:
        found = self.api.get("Certificate", wanted["metadata"]["name"])
        places = differences(wanted, found) if found else []
        if found and not places and has_failed(found):
            if not is_ready(found):
                # It would wait for an hour and more, whatever has been fixed since.
                done.issued[server] = "the last try had failed"
                done.changes.append((label(wanted), shown(found), shown(wanted)))
                if not self.dry:
                    remove(self.api, wanted, check_mode=False)
                    wait_until_gone(self.api, [wanted], self.timeout)
                    ensure(self.api, wanted, check_mode=False)
                return
            done.warnings.append(f"cert-manager could not renew the certificate of {server}. {said(found)}")
        before, after = ensure(self.api, wanted, self.dry)
        if before == after:
            return
        done.changes.append((label(wanted), before, after))
        if found is None:
            done.issued[server] = "there was none"
        elif any(place.startswith("spec.") for place in places):
            done.issued[server] = differing(places)

    def _wait(self, wanted: Mapping[str, Document], done: Asked) -> None:
        left = dict.fromkeys(wanted)

        def there() -> bool | None:
            failed = False
            for server in list(left):
                found = self.api.get("Certificate", object_name(server))
                if found is not None and is_ready(found):
                    del left[server]
                else:
                    left[server] = found
                    failed = failed or (found is not None and has_failed(found))
            return True if failed or not left else None

        wait_for(there, Deadline(self.timeout))
        if not left:
            return
        requests = self.api.list("CertificateRequest")
        late = {
            server: (found or wanted[server], newest_request(found, requests) if found else None)
            for server, found in left.items()
        }
        failed = any(has_failed(certificate) for certificate, _request in late.values())
        why, steps = unanswered(late, self.issuer, self.api.namespace)
        several = "a certificate" if len(late) == 1 else "certificates"
        raise (FailedError if failed else DeadlineError)(
            f"cert-manager could not issue {several} for {', '.join(late)}"
            if failed
            else f"cert-manager has not issued {several} for {', '.join(late)} within {self.timeout:.0f} s",
            where=f"namespace {self.api.namespace}, issuer {self.issuer.resource}",
            why="\n".join(why),
            remedy="; ".join(steps),
        )

    def _read(self, server: str, hosts: Sequence[str], mutual: str) -> tuple[Given | None, list[Problem]]:
        """What the secret of a server holds, and what is wrong with it."""
        name = object_name(server)
        data = (self.api.get("Secret", name) or {}).get("data") or {}
        texts = {kind: _text(data.get(key)) for kind, key in _KEYS.items()}
        # With these names for files, what is wrong with one is told like of a file that the user gives.
        places = {kind: f"{key} of Secret {name}" for kind, key in _KEYS.items()}
        if not texts["ca"]:
            issuer = self.issuer.resource
            return None, [
                Problem(
                    "certificate",
                    f"{server}: {places['ca']} is missing or empty, so clients would have no authority to trust",
                    found=f"cert-manager writes it if the issuer reports its authority; {issuer} does not",
                    remedy="choose an issuer that writes it, such as one of the kinds CA or Vault; or set the "
                    "certificate and its authority in certificates_servers",
                )
            ]
        contents = {places[kind]: text or Unreadable("it is missing or empty") for kind, text in texts.items()}
        return judge_server(server, Files(**places), contents, hosts, mutual, now())

    def _to_come(self, server: str, names: Sequence[str]) -> Given:
        authority = make_authority("to be issued by cert-manager", self.days, now())
        pair = issue(Wanted(server, tuple(map(str, names)), self.days), authority, now())
        return Given(pair, (authority.certificate,))

    def _drop_others(self, wanted: Mapping[str, Document], done: Asked) -> None:
        """Removes what this collection has asked for and that is wanted no more."""
        names = {item["metadata"]["name"] for item in wanted.values()}
        try:
            certificates = self.api.list("Certificate", LABEL)
        except StatusError as error:
            if error.status.code not in (_ABSENT, _FORBIDDEN):
                raise
            # Whoever may not see them cannot have asked for them.
            certificates = []
        self._remove([each for each in certificates if each["metadata"]["name"] not in names], done)
        secrets = self.api.list("Secret", LABEL)
        self._remove([each for each in secrets if each["metadata"]["name"] not in names], done)

    def _remove(self, several: Sequence[Document], done: Asked) -> None:
        for each in several:
            self.api.delete(each["kind"], each["metadata"]["name"], dry=self.dry)
            # Of a secret, that it was there is all that may be shown.
            secret = each["kind"] == "Secret"
            done.changes.append((label(each), {"kind": "Secret"} if secret else shown(each), None))
        if several and not self.dry:
            wait_until_gone(self.api, several, self.timeout)

    def drop(self) -> Asked:
        """Removes all that was asked for, and the secrets that came of it.

        Without an API of cert-manager, or without the right to it, there is nothing of it to remove.

        Raises:
            DeadlineError: something does not go.
            StatusError: the cluster refuses.
        """
        done = Asked()
        self._drop_others({}, done)
        return done


def _text(encoded: str | None) -> str:
    return base64.b64decode(encoded or "").decode("utf-8", "replace")
