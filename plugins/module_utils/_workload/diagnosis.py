# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a process ended or does not start: its own words, a cause, a remedy."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._secrets import is_secret_name

_LINES = 15
_READ_BYTES = 64 * 1024
_SHORTEST_MASKED = 6
# A line of settings: properties, INI or YAML.
_SETTING = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*[=:]\s*[\"']?(.*?)[\"']?\s*$")


@dataclass(frozen=True)
class Cause:
    """A recognised cause with what to do about it."""

    what: str
    remedy: str


_CAUSES = (
    (
        r"Address already in use|BindException|could not bind",
        "a port that it needs is taken",
        "find the process with `ss -ltnp`, or choose another cdc_port_offset",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        "free space in cdc_home (df -h), then run again",
    ),
    (
        r"OutOfMemoryError|Cannot allocate memory|insufficient memory for the Java|std::bad_alloc|MemoryError",
        "it ran out of memory",
        "raise its memory limit, or lower what it keeps in memory",
    ),
    (
        r"Permission denied|AccessDeniedException|Operation not permitted",
        "it may not read or write something it needs",
        "see the evidence for the path; its owner must be the user of the process",
    ),
    (
        r"cannot execute|No such file or directory|NoSuchFileException|ClassNotFoundException|ModuleNotFoundError",
        "a file it needs is missing",
        "run the playbook with the tag artifacts again",
    ),
    (
        r"SaslAuthenticationException|SASL authentication error",
        "Kafka refuses its login",
        "run the tag kafka: it sets the passwords of Kafka's users, which are in the folder credentials",
    ),
    (
        r"SSLHandshakeException|SSL handshake failed|CertificateExpiredException|PKIX path|certificate verify failed",
        "a certificate is not trusted, or has expired",
        "see the evidence for which; the next run reissues one that is about to expire, except for yours in "
        "cdc_endpoints_extra",
    ),
    (
        r"(Topic|Group|Cluster|TransactionalId)AuthorizationException|authorization failed",
        "it lacks rights in Kafka",
        "run the tag kafka: it sets the rights of each program; kafka_acls_extra adds to them",
    ),
    (
        r"password authentication failed|(?<!Sasl)AuthenticationException|InvalidAccessKeyId|SignatureDoesNotMatch",
        "its credentials were refused",
        "check the credentials in the inventory, then run again",
    ),
    (
        r"Connection refused|ConnectException|Name or service not known|UnknownHostException",
        "a server that it depends on does not answer",
        "check the status of the other components with `make status`",
    ),
    (
        r"ConfigException|Invalid (value|config)|unrecognized configuration|Unknown (option|setting)|usage:",
        "it refuses its configuration",
        "fix the setting that the evidence names",
    ),
    (
        r"earlier process .* still runs",
        "an earlier process of it still runs",
        "end the process that the evidence names",
    ),
)


def recognise(text: str) -> Cause | None:
    """The cause that stands last in ``text``, which is the nearest to its end."""
    best: tuple[int, Cause] | None = None
    for pattern, what, remedy in _CAUSES:
        for match in re.finditer(pattern, text):
            if best is None or match.start() > best[0]:
                best = (match.start(), Cause(what, remedy))
    return best[1] if best else None


def tail(path: Path, offset: int = 0) -> str:
    """The end of the file at ``path``, not before ``offset`` bytes; empty where there is none."""
    try:
        size = path.stat().st_size
        if size < offset:  # rotated meanwhile
            offset = 0
        with path.open("rb") as stream:
            stream.seek(max(offset, size - _READ_BYTES))
            return stream.read(_READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def size(path: Path) -> int:
    """Bytes in the file at ``path``; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_lines(text: str, count: int = _LINES) -> list[str]:
    """The last lines of ``text`` that are not blank."""
    return list(deque((line.rstrip() for line in text.splitlines() if line.strip()), maxlen=count))


class Masker:
    """Replaces every secret in what is shown.

    A file may hold one secret, or settings of which some are secret by their name; the name of a user among them is
    worth seeing.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {value.strip() for content in secrets for value in _secret_parts(content)}
        self.values = sorted((item for item in values if len(item) >= _SHORTEST_MASKED), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self.values:
            text = text.replace(value, "********")
        return text


def _secret_parts(content: str) -> list[str]:
    found = [content]
    try:
        return found + _secret_leaves(json.loads(content), "")
    except ValueError:
        pass
    for line in content.splitlines():
        match = _SETTING.match(line)
        if match is None:
            found.append(line)
        elif is_secret_name(match[1]):
            found += [line, match[2]]
    return found


def _secret_leaves(value: Any, name: str) -> list[str]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _secret_leaves(item, str(key))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _secret_leaves(item, name)]
    return [str(value)] if not name or is_secret_name(name) else []
