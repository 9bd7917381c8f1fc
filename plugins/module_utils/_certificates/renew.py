# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a certificate that the pipeline has issued may stay. Pure."""

from __future__ import annotations

import contextlib
import datetime

from .issue import Wanted, subject
from .parts import Pair, fits, general_names, names_of, signed_by

# Where it is missing, `require_library` says so.
with contextlib.suppress(ImportError):
    from cryptography import x509


def authority_goes(found: Pair, renew_days: int, now: datetime.datetime) -> str:
    """Why the pipeline's own authority has to be replaced; empty where it may stay."""
    if not fits(found.certificate, found.key):
        return "its key does not fit"
    if not signed_by(found.certificate, found.certificate):
        return "it has not signed itself"
    return _time(found, renew_days, now)


def certificate_goes(found: Pair, wanted: Wanted, authority: Pair, renew_days: int, now: datetime.datetime) -> str:
    """Why a certificate has to be issued again; empty where it may stay."""
    certificate = found.certificate
    if not fits(certificate, found.key):
        return "its key does not fit"
    if not signed_by(certificate, authority.certificate) or found.chain != authority.chain:
        return "another authority has signed it"
    if certificate.subject != subject(wanted.name):
        return f"it is for {certificate.subject.rfc4514_string()}"
    if names_of(certificate) != {str(name.value) for name in general_names(wanted.names)}:
        return "its names have changed"
    if _usages(certificate) != set(wanted.usages):
        return "its purposes have changed"
    # What holds as long as its authority gains nothing by being made again.
    if certificate.not_valid_after_utc >= authority.certificate.not_valid_after_utc:
        renew_days = 0
    return _time(found, renew_days, now)


def _time(found: Pair, renew_days: int, now: datetime.datetime) -> str:
    since, until = found.certificate.not_valid_before_utc, found.certificate.not_valid_after_utc
    if now < since:
        return f"it is valid from {since:%Y-%m-%d} on"
    if until - now < datetime.timedelta(days=renew_days):
        return f"it ends on {until:%Y-%m-%d}"
    return ""


def _usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return set()
