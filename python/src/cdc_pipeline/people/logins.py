"""The files by which servers know people: properties, which the services' own user alone reads.

Kafka Connect, the archive and the watchdog read theirs at each request, the schema registry when it starts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cdc_pipeline.endpoints import Login

READER, OPERATOR = "reader", "operator"
FOLDER = "people"
LOGINS, REGISTRY = "logins.properties", "registry.properties"
# What Kafka Connect's extension calls them, and the roles that the schema registry asks for.
_CONNECT = {READER: "reader", OPERATOR: "writer"}
_ROLES = {READER: "read", OPERATOR: "read,write"}
_USERS = "quarkus.security.users.embedded"


@dataclass(frozen=True)
class Person:
    """
    Attributes:
        right: READER or OPERATOR.
        password: of letters and digits alone, so that it needs no escaping anywhere.
        leaving: no server is to let them in any more.
    """

    name: str
    right: str
    password: str = field(repr=False)
    leaving: bool = False

    @property
    def login(self) -> Login:
        return Login(self.name, self.password)


def texts(people: Iterable[Person]) -> dict[str, str]:
    """What the files hold, by their names. Who is leaving is in none."""
    staying = sorted((each for each in people if not each.leaving), key=lambda each: each.name)
    logins = [f"{_CONNECT[each.right]}.{each.name}={each.password}\n" for each in staying]
    users = [
        f"{_USERS}.users.{each.name}={each.password}\n{_USERS}.roles.{each.name}={_ROLES[each.right]}\n"
        for each in staying
    ]
    return {LOGINS: "".join(logins), REGISTRY: "".join(users)}


def read_logins(path: str) -> Iterator[tuple[Login, str]]:
    """Each login of a file LOGINS, and its right. None where there is no such file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    rights = {name: right for right, name in _CONNECT.items()}
    for line in lines:
        key, _, password = line.partition("=")
        kind, _, name = key.partition(".")
        if kind in rights and name and password:
            yield Login(name, password), rights[kind]


def write_logins(folder: Path, people: Iterable[Person]) -> bool:
    """Makes the files in ``folder`` be as the people are; whether any was not.

    Raises:
        FileNotFoundError: the set-up has not made the files, whose owner and mode are kept.
        OSError: one cannot be written.
    """
    changed = False
    for name, text in texts(people).items():
        path = folder / name
        if path.read_text(encoding="utf-8") != text:
            replace(path, text, like=path.stat())
            changed = True
    return changed


def replace(path: Path, text: str, like: os.stat_result | None = None) -> None:
    """Writes a file as a whole, so that nobody reads half of it.

    Args:
        like: has the owner and mode that it gets; by default it is this user's own, and nobody else reads it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            if like is not None:
                os.fchown(stream.fileno(), like.st_uid, like.st_gid)
                os.fchmod(stream.fileno(), like.st_mode & 0o777)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
