# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates, keys and authorities that the user gives: whether they are good for what they are to do. Pure.

Everything that is wrong is found at once. Each problem names the file, whose certificate it is, by whom and since when.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .._problem import Problem
from .parts import Certificate, Pair, PrivateKey, fits, names_of, read_certificates, read_key, signed_by

# Where it is missing, `require_library` says so.
with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

_RSA_BITS, _CURVE_BITS = 2048, 256
_BROKEN_HASHES = ("md5", "sha1")


@dataclass(frozen=True)
class Files:
    """Paths, as the user gives them.

    Attributes:
        ca: the authorities that clients trust; empty for an authority, which is its own.
    """

    certificate: str
    key: str
    ca: str = ""


@dataclass(frozen=True)
class Unreadable:
    """Why a file has no text."""

    why: str


Contents = Mapping[str, "str | Unreadable"]


@dataclass(frozen=True)
class Given:
    """What the files hold.

    Attributes:
        ca: the authorities that clients trust, the root among them.
    """

    pair: Pair
    ca: tuple[Certificate, ...]


class _Judge:
    """Collects what is wrong with the files of one variable."""

    def __init__(self, variable: str, contents: Contents, now: datetime.datetime) -> None:
        self.variable, self.contents, self.now = variable, contents, now
        self.problems: list[Problem] = []

    def wrong(self, what: str, found: str, remedy: str) -> None:
        self.problems.append(Problem("certificate", f"{self.variable}: {what}", found=found, remedy=remedy))

    def text(self, kind: str, path: str) -> str | None:
        """The text of a file; None where it has none, which is reported."""
        if not path:
            self.wrong(f"{kind} is not given", "", f"set {self.variable}.{kind} to the path of a file in PEM")
            return None
        found = self.contents[path]
        if isinstance(found, Unreadable):
            self.wrong(f"the file of {kind} cannot be read", f"{path}: {found.why}", "correct the path, or its rights")
            return None
        return found

    def certificates(self, kind: str, path: str) -> tuple[Certificate, ...]:
        """The certificates of a file; none where it is wrong, which is reported."""
        text = self.text(kind, path)
        if text is None:
            return ()
        try:
            return read_certificates(text)
        except ValueError:
            found = "a key is there" if "PRIVATE KEY-----" in text else "no -----BEGIN CERTIFICATE----- that is whole"
            remedy = "give a file in PEM; one in DER becomes so by openssl x509 -inform DER -in FILE -out FILE.pem"
            self.wrong(f"the file of {kind} holds no certificate in PEM", f"{path}: {found}", remedy)
            return ()

    def key(self, path: str) -> PrivateKey | None:
        """The key of a file; None where it is wrong, which is reported."""
        text = self.text("key", path)
        if text is None:
            return None
        try:
            return read_key(text)
        except TypeError:
            remedy = (
                f"take the passphrase away: openssl pkey -in {path} -out plain.key; the instance keeps it for root only"
            )
            self.wrong("the key is encrypted, and a service cannot enter its passphrase at its start", path, remedy)
        except ValueError:
            remedy = "give the key of the certificate in PEM, which begins with -----BEGIN PRIVATE KEY-----"
            self.wrong("the file of key holds no key in PEM", path, remedy)
        return None

    def alike(self, certificate: Certificate, key: PrivateKey, files: Files) -> None:
        if not fits(certificate, key):
            self.wrong(
                "the key does not fit the certificate",
                f"{files.key} is not the key of {told(certificate, files.certificate)}",
                f"give the key that the certificate was asked for with; compare openssl pkey -pubout -in {files.key}"
                f" with openssl x509 -noout -pubkey -in {files.certificate}",
            )

    def time(self, certificate: Certificate, path: str) -> None:
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if self.now > until:
            self.wrong(
                f"the certificate has expired on {_day(until)}",
                told(certificate, path),
                "have it renewed, and run again",
            )
        if self.now < since:
            self.wrong(
                f"the certificate is not valid before {since:%Y-%m-%d %H:%M} UTC",
                f"{told(certificate, path)}; the clock of this host shows {self.now:%Y-%m-%d %H:%M} UTC",
                "correct the clock (timedatectl), or wait until then",
            )

    def strength(self, certificate: Certificate, path: str) -> None:
        key, name = certificate.public_key(), told(certificate, path)
        weak = ""
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS:
            weak = f"an RSA key of {key.key_size} bits; at least {_RSA_BITS} are needed"
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < _CURVE_BITS:
            weak = f"a key on a curve of {key.curve.key_size} bits; at least {_CURVE_BITS} are needed"
        algorithm = certificate.signature_hash_algorithm
        # The signature of a root is looked at by nobody.
        if algorithm and algorithm.name in _BROKEN_HASHES and certificate.subject != certificate.issuer:
            weak = f"a signature by {algorithm.name.upper()}, which can be forged"
        if weak:
            self.wrong("the certificate is too weak for TLS", f"{name} has {weak}", "request a new certificate")

    def authority(self, certificate: Certificate, path: str) -> None:
        try:
            signs = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            signs = False
        if not signs:
            remedy = "give the certificate of the authority itself (basicConstraints CA:TRUE)"
            self.wrong("the certificate is not that of an authority", told(certificate, path), remedy)

    def chain(
        self, leaf: Certificate, between: Iterable[Certificate], roots: tuple[Certificate, ...], files: Files
    ) -> None:
        """Whether a way leads from ``leaf`` to a root in the file ``ca``."""
        if signed_by(leaf, leaf):
            self.wrong(
                "the certificate is self-signed, so clients have no authority to trust",
                told(leaf, files.certificate),
                f"have an authority issue it, or remove {self.variable}: then the pipeline issues one",
            )
            return
        at, left = leaf, [*between, *roots]
        while not (at in roots and signed_by(at, at)):
            above = next((each for each in left if signed_by(at, each)), None)
            if above is None:
                self._broken(at, leaf, roots, files)
                return
            left.remove(above)
            path = files.ca if above in roots else files.certificate
            self.time(above, path)
            self.authority(above, path)
            at = above

    def _broken(self, at: Certificate, leaf: Certificate, roots: tuple[Certificate, ...], files: Files) -> None:
        held = ", ".join(_name(each.subject) for each in roots)
        found = f"{told(leaf, files.certificate)}; {files.ca} holds {held}"
        if at in roots:
            remedy = f"add the certificate of {_name(at.issuer)} to {files.ca}: the way has to end at a root"
            self.wrong("the root is missing among the authorities", found, remedy)
        elif any(each.subject == at.issuer for each in roots):
            remedy = "give the authority that has signed it; this one has the same name and another key"
            self.wrong("another authority of that name has signed the certificate", found, remedy)
        else:
            remedy = f"put {_name(at.issuer)} into {files.ca}; where it is no root, below the certificate"
            self.wrong("no authority of the file ca has signed the certificate", found, remedy)

    def hosts(self, certificate: Certificate, path: str, hosts: Iterable[str]) -> None:
        names = names_of(certificate)
        missing = [host for host in hosts if not covers(names, host)]
        if missing:
            self.wrong(
                f"the certificate is not for {', '.join(missing)}",
                f"{told(certificate, path)} is for {', '.join(sorted(names)) or 'no host (it has no subjectAltName)'}",
                f"have it issued with {', '.join(missing)} as subjectAltName",
            )

    def purposes(self, certificate: Certificate, path: str, mutual: bool) -> None:
        try:
            found = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        except x509.ExtensionNotFound:
            return
        oids = x509.ExtendedKeyUsageOID
        wanted = {"serverAuth": oids.SERVER_AUTH, **({"clientAuth": oids.CLIENT_AUTH} if mutual else {})}
        missing = [name for name, oid in wanted.items() if oid not in found]
        if missing and oids.ANY_EXTENDED_KEY_USAGE not in found:
            remedy = f"have it issued with extendedKeyUsage = {', '.join(wanted)}"
            self.wrong(f"the certificate is not for the use {', '.join(missing)}", told(certificate, path), remedy)

    def subject(self, certificate: Certificate, path: str, name: str) -> None:
        if _name(certificate.subject) != f"CN={name}":
            self.wrong(
                f"the subject is not CN={name}, by which the replicas identify each other",
                told(certificate, path),
                f"have it issued with the subject CN={name} and nothing else in it",
            )


def judge_server(
    variable: str, files: Files, contents: Contents, hosts: Iterable[str], mutual: str, now: datetime.datetime
) -> tuple[Given | None, list[Problem]]:
    """What the files of a server hold, None where something is missing, and all that is wrong with them.

    Args:
        variable: its name, for people.
        contents: of each path in ``files``.
        hosts: under which clients reach the server.
        mutual: the name in its subject, where its replicas sign in to each other by it; otherwise empty.
    """
    judge = _Judge(variable, contents, now)
    served, key = judge.certificates("certificate", files.certificate), judge.key(files.key)
    roots = judge.certificates("ca", files.ca)
    if not served:
        return None, judge.problems
    leaf, *between = served
    judge.time(leaf, files.certificate)
    judge.strength(leaf, files.certificate)
    judge.hosts(leaf, files.certificate, hosts)
    judge.purposes(leaf, files.certificate, bool(mutual))
    if mutual:
        judge.subject(leaf, files.certificate, mutual)
    if key:
        judge.alike(leaf, key, files)
    if roots or signed_by(leaf, leaf):
        judge.chain(leaf, between, roots, files)
    return (Given(Pair(leaf, key, tuple(between)), roots) if key and roots else None), judge.problems


def judge_authority(
    variable: str, files: Files, contents: Contents, now: datetime.datetime
) -> tuple[Given | None, list[Problem]]:
    """The same of an authority that issues. Its file has the way up to the root, below its own certificate."""
    judge = _Judge(variable, contents, now)
    found, key = judge.certificates("certificate", files.certificate), judge.key(files.key)
    if not found:
        return None, judge.problems
    own = found[0]
    judge.time(own, files.certificate)
    judge.strength(own, files.certificate)
    judge.authority(own, files.certificate)
    if key:
        judge.alike(own, key, files)
    if not signed_by(own, own):
        judge.chain(own, (), found, Files(files.certificate, files.key, files.certificate))
    sent = tuple(each for each in found if not signed_by(each, each))
    return (Given(Pair(own, key, sent), found) if key else None), judge.problems


def covers(names: set[str], host: str) -> bool:
    """Whether a certificate of these names is good for ``host``, which may begin with an asterisk itself."""
    _first, _dot, rest = host.lower().partition(".")
    return any(name.lower() in (host.lower(), f"*.{rest}") for name in names)


def told(certificate: Certificate, path: str) -> str:
    """A certificate in words."""
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (
        f"{path}: {_name(certificate.subject)}, issued by {_name(certificate.issuer)}, "
        f"valid from {_day(since)} to {_day(until)}"
    )


def paths(several: Iterable[Files]) -> Iterator[str]:
    """Every path that is given."""
    for files in several:
        yield from filter(None, (files.certificate, files.key, files.ca))


def _name(name: x509.Name) -> str:
    return name.rfc4514_string() or "nobody (an empty subject)"


def _day(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d}"
