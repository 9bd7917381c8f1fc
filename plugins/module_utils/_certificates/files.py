# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is kept of certificates in the instance's folder, and what has to change there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .._disk import Target
from .issue import Wanted, issue, make_authority
from .parts import Pair, now, read_certificates, read_key
from .renew import authority_goes, certificate_goes

_AUTHORITY = "authority"


@dataclass(frozen=True)
class Terms:
    """How long what is issued holds, in days, and how many days before its end it is replaced."""

    days: int
    authority_days: int
    renew_days: int


@dataclass
class Kept:
    """The certificates of an instance as they have to be.

    Attributes:
        pairs: by their path below the folder, without extension.
        issued: those that are new, each with the reason.
    """

    pairs: dict[str, Pair] = field(default_factory=dict)
    issued: dict[str, str] = field(default_factory=dict)

    def targets(self, folder: Path) -> list[Target]:
        """The files; a key before its certificate."""
        found = []
        for name, pair in self.pairs.items():
            found.append(Target(folder / f"{name}.key", pair.key_pem, 0o600, secret=True))
            found.append(Target(folder / f"{name}.pem", pair.certificate_pem, 0o644))
        return found


def kept(
    folder: Path, authority_name: str, wanted: Mapping[str, Wanted], terms: Terms, given: Pair | None = None
) -> Kept:
    """Reads what is there, and issues what is missing or may not stay. Writes nothing.

    Args:
        wanted: by the path below ``folder``, without extension.
        given: an authority of the user's own, which signs in the place of the pipeline's.
    """
    found, time = Kept(), now()
    authority = given
    if authority is None:
        there, why = _read(folder, _AUTHORITY)
        why = authority_goes(there, terms.renew_days, time) if there else why
        authority = make_authority(authority_name, terms.authority_days, time) if why or there is None else there
        found.pairs[_AUTHORITY] = authority
        if why:
            found.issued[_AUTHORITY] = why
    for name, each in wanted.items():
        there, why = _read(folder, name)
        why = certificate_goes(there, each, authority, terms.renew_days, time) if there else why
        found.pairs[name] = issue(each, authority, time) if why or there is None else there
        if why:
            found.issued[name] = why
    return found


def _read(folder: Path, name: str) -> tuple[Pair | None, str]:
    """What is there, or why it is of no use."""
    try:
        key = read_key((folder / f"{name}.key").read_text())
        certificate, *chain = read_certificates((folder / f"{name}.pem").read_text())
    except FileNotFoundError:
        return None, "there was none"
    except (ValueError, TypeError, UnicodeDecodeError):
        return None, "its file was damaged"
    return Pair(certificate, key, tuple(chain)), ""
