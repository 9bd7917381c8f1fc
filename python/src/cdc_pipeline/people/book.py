"""Who has a login: ``credentials/people.json`` in the instance's folder, the one place where people are stated."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import string
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from cdc_pipeline.endpoints import Endpoints, Login
from cdc_pipeline.people.logins import OPERATOR, READER, Person, replace

FILE = Path("credentials", "people.json")
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,30}")
# The users of the pipeline's programs in Kafka begin so; the store has identities and an account of these names.
_RESERVED_PREFIX = "kafka_"
_RESERVED = ("admin", "anonymous", "pipeline", "reader", "writer")
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 32


def problem_with(name: str, taken: Collection[str]) -> str | None:
    """Why nobody may have this name; None where somebody may.

    Args:
        taken: names of the pipeline's own logins.
    """
    if not _NAME.fullmatch(name):
        return "a name has 2 to 31 characters: lowercase letters a-z, digits, _ and -, and begins with a letter"
    if name in taken or name in _RESERVED or name.startswith(_RESERVED_PREFIX):
        return "the pipeline's own programs use this name"
    return None


def taken_names(endpoints: Endpoints) -> set[str]:
    """The names that the pipeline's own programs sign in by."""
    registry, connect, store = endpoints.schema_registry, endpoints.kafka_connect, endpoints.object_store
    monitoring = endpoints.monitoring
    logins: Iterable[Login | None] = (
        registry.reader,
        registry.writer,
        connect.reader,
        connect.writer,
        endpoints.archive.reader,
        endpoints.connectors.reader,
        monitoring.reader if monitoring else None,
        monitoring.alertmanager.operator if monitoring else None,
    )
    keys = {store.access_key_id, store.archive.access_key_id, store.reader.access_key_id}
    return {*endpoints.kafka.users, *(login.username for login in logins if login)} | keys


def new_person(name: str, right: str) -> Person:
    """Somebody with a random password, which begins with a letter."""
    password = secrets.choice(string.ascii_letters) + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))
    return Person(name, right, password)


def read_people(home: Path) -> dict[str, Person]:
    """Everybody, by name.

    Raises:
        PermissionError: only root may.
        ValueError: the file is not as this writes it; without its text, which holds passwords.
    """
    path = home / FILE
    try:
        found = {name: Person(name, **each) for name, each in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f"{path} is not a JSON object of people") from None
    if any(each.right not in (READER, OPERATOR) for each in found.values()):
        raise ValueError(f"{path}: each right must be {READER} or {OPERATOR}")
    return found


def write_people(home: Path, people: Mapping[str, Person]) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    document = {
        name: {key: value for key, value in asdict(people[name]).items() if key != "name"} for name in sorted(people)
    }
    replace(home / FILE, json.dumps(document, indent=2) + "\n")


@contextlib.contextmanager
def alone(folder: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Nobody else changes people while this lasts.

    Args:
        folder: one of the instance's, which the set-up makes.
        waits: called before this waits for somebody else to end.

    Raises:
        FileNotFoundError: the set-up has not made the folder.
        OSError: it may not be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def running_playbook(home: Path, proc: Path = Path("/proc")) -> str | None:
    """The playbook that is at work on the instance, by its process and command; None where none is."""
    try:
        owner = json.loads((home / "run.lock").read_text(encoding="utf-8"))
        # The name in parentheses may hold anything, so the fields are counted from its end.
        fields = (proc / str(owner["pid"]) / "stat").read_text().rpartition(")")[2].split()
        alive = fields[0] != "Z" and int(fields[19]) == owner["start"]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return f"process {owner['pid']}: {owner.get('command', '')}" if alive else None
