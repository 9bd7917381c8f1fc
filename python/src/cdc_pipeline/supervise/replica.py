"""What the tools know of a replica: the JSON file that the workload role writes for each."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Start:
    """How a process starts.

    Attributes:
        user: name of the user it runs as; None leaves it with the user who starts it.
        memory_bytes: the most memory it may use, where the host can enforce it; None is no bound.
        stop_signal: what asks it to stop, without the SIG.
        lock: file that is locked as long as the process lives, so that no second one starts on the same data.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    user: str | None
    memory_bytes: int | None
    stop_signal: str
    lock: str


@dataclass(frozen=True)
class Cron:
    """When a cronjob runs.

    Attributes:
        schedule: cron's five fields, in UTC.
        deadline_seconds: how long a run may take.
        starting_deadline_seconds: how late a run that was missed may start; None is no bound.
    """

    schedule: str
    deadline_seconds: float | None
    starting_deadline_seconds: float | None


@dataclass(frozen=True)
class Replica:
    """One replica of a workload. ``probes`` maps startup, readiness and liveness to their settings.

    ``kind`` is service, job or cronjob, and ``cron`` None for what does not run by a schedule.
    """

    name: str
    instance: str
    start: Start
    steps: Mapping[str, tuple[str, ...]]
    probes: Mapping[str, Mapping[str, Any]]
    gate: Mapping[str, Any] | None
    stop_grace: float
    kind: str = "service"
    cron: Cron | None = None


def read_replica(path: str | Path) -> Replica:
    """The replica of the file at ``path``.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not such a file (half-written files do not occur: they are replaced atomically).
    """
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        start = dict(data["start"])
        start["command"] = tuple(start["command"])
        return Replica(
            name=data["name"],
            instance=data["instance"],
            start=Start(**start),
            steps={key: tuple(command) for key, command in data["steps"].items()},
            probes=data["probes"],
            gate=data["gate"],
            stop_grace=data["stop_grace"],
            kind=data.get("kind", "service"),
            cron=Cron(**data["cron"]) if data.get("cron") else None,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} does not describe a replica: {error!r}") from error


@dataclass(frozen=True)
class Identity:
    """User id, group id and all groups of a process."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def identity(user: str | None) -> Identity | None:
    """Who the processes of ``user`` run as; None where they stay with the current user.

    Raises:
        KeyError: there is no such user.
        PermissionError: another user is wanted, and this is not root.
    """
    if user is None:
        return None
    entry = pwd.getpwnam(user)
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise PermissionError(f"only root can start a process as the user {user}")
    return Identity(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(user, entry.pw_gid)))
