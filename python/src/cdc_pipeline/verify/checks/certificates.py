"""T14: every server shows a certificate that fits its name and has time left, and nobody but its owner reads a key."""

from __future__ import annotations

import os
import pwd
import socket
import ssl
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdc_pipeline.clients.trust import tls_context
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.expected import Listener
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.strangers import POSTGRESQL_TLS

_SECONDS = 10.0
_DAY = 86400.0
_SITE = "{run site} issues certificates and has servers and clients use them."
_KEY = b"PRIVATE KEY-----"
# Whatever its form, what these folders and files hold is secret.
_SECRET = frozenset(("secrets", "credentials", "people", "endpoints.json", "verify-plan.json"))
_MOST_BYTES = 65536


@dataclass(frozen=True)
class Shown:
    """What a listener shows: until when its certificate is valid, in seconds since the epoch, or what is wrong."""

    until: float = 0.0
    wrong: str = ""
    silent: bool = False


@dataclass(frozen=True)
class KeyFile:
    """A file with a private key or another secret."""

    mode: int
    owner: str


def look(listener: Listener) -> Shown:
    """Shakes hands with ``listener``, as a client that verifies it does."""
    host, _colon, port = listener.address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _SECONDS) as plain:
            if listener.protocol == "postgresql":
                plain.sendall(POSTGRESQL_TLS)
                if plain.recv(1) != b"S":
                    return Shown(wrong="it answers without encryption")
            with tls_context(listener.ca).wrap_socket(plain, server_hostname=host) as encrypted:
                return Shown(until=ssl.cert_time_to_seconds(encrypted.getpeercert()["notAfter"]))
    except ConnectionRefusedError:
        return Shown(silent=True)
    except ssl.SSLCertVerificationError as error:
        return Shown(wrong=f"{error.verify_message} (verified by {listener.ca})")
    except ssl.SSLError as error:
        return Shown(wrong=f"it does not speak TLS: {error.reason or error}")
    except OSError as error:
        return Shown(wrong=str(error) or type(error).__name__)


def judge_trust(shown: Mapping[Listener, Shown]) -> Finding:
    """Each listener's certificate leads to its authority and is for its host. A port that is closed shows none."""
    wrong = {f"{each.server} {each.address}": found.wrong for each, found in shown.items() if found.wrong}
    speaks = {each.server for each, found in shown.items() if not found.silent}
    wrong |= {each.server: "nothing listens" for each in shown if each.server not in speaks}
    what = f"servers whose certificate does not verify, of {len(shown)} ports"
    return equal("certificates.trust", what, {}, dict(sorted(wrong.items())), _SITE)


def judge_time(shown: Mapping[Listener, Shown], days: int, now: float) -> Finding:
    """Days that each certificate has left."""
    left = {
        f"{each.server} {each.address}": int((found.until - now) // _DAY)
        for each, found in shown.items()
        if found.until
    }
    short = {name: found for name, found in left.items() if found < days}
    least = min(left.values(), default=0)
    return Finding(
        "certificates.days",
        "days that the certificates have left, at least",
        days,
        dict(sorted(short.items())) or least,
        not short,
        f"{_SITE} Renew your own certificates, and run it again. certificates_renew_days should be above the limit.",
    )


def judge_keys(keys: Mapping[str, KeyFile], users: Iterable[str]) -> Finding:
    """Keys and passwords are their owner's alone, who is root or a user of the services."""
    allowed = {"root", *users}
    wrong = {
        path: f"{key.owner} {key.mode:04o}"
        for path, key in keys.items()
        if key.mode & 0o077 or key.owner not in allowed
    }
    hint = "Another user may have copied them. Remove these files, and run {run site}, which creates new ones."
    what = f"files with keys or passwords that others can read, of {len(keys)}"
    return equal("certificates.key_files", what, {}, dict(sorted(wrong.items())), hint)


def key_files(home: Path) -> dict[str, KeyFile]:
    """Files below ``home`` with a private key or another secret, but those in the data of servers."""
    found = {}
    for top, folders, names in os.walk(home):
        folders[:] = [name for name in folders if name not in ("data", "log", "verify-cache")]
        for path in (Path(top, name) for name in names):
            information = path.lstat()
            if not stat.S_ISREG(information.st_mode):
                continue
            secret = not _SECRET.isdisjoint(path.relative_to(home).parts)
            if secret or (information.st_size <= _MOST_BYTES and _KEY in path.read_bytes()):
                owner = pwd.getpwuid(information.st_uid).pw_name
                found[str(path)] = KeyFile(stat.S_IMODE(information.st_mode), owner)
    return found


def _certificates(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.certificates
    if not expected.listeners:
        return
    shown = {listener: look(listener) for listener in expected.listeners}
    yield judge_trust(shown)
    yield judge_time(shown, expected.days, time.time())
    home = Path(expected.home)
    # What a process writes is its own.
    owners = {path.owner() for path in home.glob("*/data")} if context.plan.cluster is None else set()
    yield judge_keys(key_files(home), owners)


STEPS = (Step("certificates.trust", "certificates", _certificates, "T14", ("trust", "days", "key_files")),)
