"""The instance that a command is about: its folder, and what the playbooks have noted there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.instance.plan import Plan, parse_plan
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.shape import ShapeError, read

FOLDER = Path("/var/lib/cdc-pipeline")
DEFAULT = "local"
# Written by the role services, before anything runs, and by the role verify, when everything does.
NOTE, PLAN = "instance.json", "verify-plan.json"


@dataclass(frozen=True)
class Forward:
    """A port of this host that leads to a pod's. ``ordinal``: of the replica; None for any."""

    host: str
    port: int
    workload: str
    pod_port: int
    ordinal: int | None = None

    def shown(self) -> str:
        pod = self.workload if self.ordinal is None else f"{self.workload}-{self.ordinal}"
        return f"{self.host}:{self.port} to {pod}:{self.pod_port}"


@dataclass(frozen=True)
class Note:
    """`instance.json`.

    Attributes:
        runtime: `local` or `kubernetes`.
        command: how a playbook is run for this instance, with `{}` for its name, such as `make INVENTORY=kind {}`.
        cluster: None on the runtime `local`.
        components: the workloads of each role of the catalogue.
        forwards: what takes a tunnel to reach; where there are none, the addresses in the plan answer by themselves.
    """

    instance: str
    runtime: str
    command: str = "make {}"
    cluster: ClusterAccess | None = None
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forwards: tuple[Forward, ...] = field(default_factory=tuple)

    def run(self, playbook: str) -> str:
        """The command that runs a playbook."""
        return self.command.replace("{}", playbook)


@dataclass(frozen=True)
class Instance:
    """An instance that was set up in ``home``."""

    home: Path
    note: Note

    @property
    def name(self) -> str:
        return self.note.instance

    def plan(self) -> Plan:
        """Where everything is and what is expected of it.

        Raises:
            CdcError: it is not there yet, may not be read, or is not valid.
        """
        path = self.home / PLAN
        data = _read(path, f"The instance {self.name} is not completely set up: {path} is missing. {_again(self.note)}")
        try:
            return parse_plan(data)
        except ShapeError as error:
            problems = "\n".join(f"  {problem}" for problem in error.problems)
            raise CdcError(
                f"{path} is not valid:\n{problems}\nWrite it again with `{self.note.run('verify')}`"
            ) from None


def home_of(home: Path | None, instance: str | None) -> Path:
    """The folder that was asked for; at most one of both is."""
    return home or FOLDER / (instance or DEFAULT)


def open_instance(home: Path) -> Instance:
    """The instance of a folder.

    Raises:
        CdcError: there is none, it may not be read, or its note is not valid.
    """
    path = home / NOTE
    data = _read(path, f"There is no instance in {home}. Set it up with `make site`, or choose one with --instance.")
    try:
        return Instance(home, read(Note, data, NOTE))
    except ShapeError as error:
        problems = "; ".join(error.problems)
        raise CdcError(f"{path} is not valid: {problems}. Write it again with `make site`.") from None


def forbidden(path: object) -> CdcError:
    """The error of a user who may not read what is there."""
    return CdcError(f"You may not read {path}, which belongs to root. Run it as root: sudo cdc ...")


def _again(note: Note) -> str:
    return f"Set it up with `{note.run('site')}`."


def _read(path: Path, missing: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise CdcError(missing) from None
    except PermissionError:
        raise forbidden(path) from None
    except (OSError, ValueError) as error:
        raise CdcError(f"{path} cannot be read: {error}") from None
