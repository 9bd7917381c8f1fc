# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where an instance keeps its things on a host."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..spec.errors import SpecError
from ..spec.model import PEOPLE_FILES
from ..spec.reader import Reader

# A unix socket's path has at most 107 bytes (struct sockaddr_un); supervisord binds under a temporary name first,
# which is longer by a dot and a process id of up to seven digits.
_LONGEST_SOCKET = 107 - 8
FOLDERS = ("config", "data", "log", "secrets", "tmp")


@dataclass(frozen=True)
class Instance:
    """One pipeline on one host.

    Attributes:
        home: everything that is the instance's own.
        python: interpreter whose environment has supervisor.
        services: folder with the Python package cdc_pipeline, of which the tools are a part. Both are only needed to
            set the instance up.
        user: who the processes run as; None leaves them with the user who runs this (not root then).
        artifacts: folder of each artifact by its name.
        java: path of the java binary; it may hold a * where a version stands.
        bind: the address that processes listen on.
        host: the address under which workloads reach each other.
        external_host: the address that is advertised to clients outside.
        order: workloads in the order in which they need each other; they stop in the reverse of it.
    """

    name: str
    home: Path
    python: Path | None = None
    services: Path | None = None
    port_offset: int = 0
    user: str | None = None
    artifacts: Mapping[str, str] = field(default_factory=dict)
    java: str | None = None
    bind: str = "127.0.0.1"
    host: str = "127.0.0.1"
    external_host: str = "127.0.0.1"
    order: tuple[str, ...] = ()

    @property
    def control(self) -> Path:
        """Folder of the supervisor: its configuration, sockets, and what the tools read. Only root gets in."""
        return self.home / "supervisor"

    @property
    def logs(self) -> Path:
        """Folder with the output of every process.

        It belongs to root: supervisord writes there as root, so the processes' user must not be able to put a
        symbolic link in the way.
        """
        return self.home / "log"

    @property
    def people(self) -> tuple[Path, ...]:
        """Files by which servers know people, which `cdc user` fills and nothing else touches."""
        return tuple(self.home / "people" / name for name in PEOPLE_FILES)

    @property
    def socket(self) -> Path:
        """The supervisor's unix socket: in the home, or under /run where the home's path is too long for one."""
        inside = self.control / "supervisor.sock"
        if len(str(inside).encode()) <= _LONGEST_SOCKET:
            return inside
        return Path(f"/run/cdc-pipeline-{hashlib.sha256(str(self.home).encode()).hexdigest()[:12]}/supervisor.sock")

    @property
    def tools(self) -> Path:
        """Folder of supervisord, cdc-run, cdc-cron, cdc-probe and cdc-prober: a path that no new version changes."""
        return self.control / "tools"

    def with_java(self) -> Instance:
        """The instance with the ``*`` in java's path resolved, if there is such a file."""
        found = sorted(glob.glob(self.java or ""))  # noqa: PTH207
        return replace(self, java=found[-1]) if found else self

    def staging(self) -> Instance:
        """Where a replica's new files lie while they are checked: the same instance, with a home of its own."""
        return replace(self, home=self.home / "check")

    def replica(self, replica: str) -> Path:
        """Folder of a replica."""
        return self.home / replica

    def folder(self, replica: str, kind: str) -> Path:
        """One of a replica's :data:`FOLDERS`."""
        return self.home / replica / kind

    def output(self, replica: str) -> Path:
        """What the replica's process writes to stdout and stderr."""
        return self.logs / f"{replica}.log"

    def launch(self, replica: str) -> Path:
        """What cdc-run and the probes need to know of the replica."""
        return self.control / "replicas" / f"{replica}.json"

    def in_common(self, replica: str) -> Path:
        """What the replica was started with of that on which all replicas agree."""
        return self.control / "replicas" / f"{replica}.in_common"

    def applied(self, replica: str) -> Path:
        """Digest of the configuration that the running process was started with."""
        return self.control / "replicas" / f"{replica}.applied"

    def runs(self, replica: str) -> Path:
        """What is kept of a cronjob's runs."""
        return self.control / "replicas" / f"{replica}.runs"

    def programs(self, workload: str) -> Path:
        """The supervisor's sections for a workload."""
        return self.control / "conf.d" / f"{workload}.conf"


def parse_instance(data: Mapping[str, Any]) -> Instance:
    """The checked instance of ``data``.

    Raises:
        SpecError: with every problem.
    """
    problems: list[str] = []
    reader = Reader(data, "instance", problems)
    home = reader.string("home", required=True) or "/"
    for name, path in ((key, str(data.get(key) or "")) for key in ("home", "python", "services")):
        # The supervisor splits what it includes at blanks, and a script's first line cannot quote them.
        if any(character.isspace() for character in path):
            problems.append(f"instance.{name}: {path!r} has a blank in it; choose a path without")
        if path and not path.startswith("/"):
            problems.append(f"instance.{name}: {path!r} must be an absolute path")
    instance = Instance(
        name=reader.string("name", required=True) or "",
        home=Path(home),
        python=_path(reader.string("python")),
        services=_path(reader.string("services")),
        port_offset=reader.integer("port_offset", 0, low=0, high=60000),
        user=reader.string("user") or None,
        artifacts=reader.string_map("artifacts"),
        java=reader.string("java") or None,
        external_host=reader.string("external_host") or "127.0.0.1",
        order=tuple(reader.strings("order")),
    )
    reader.finish()
    if problems:
        raise SpecError(f"instance {instance.name}", problems)
    return instance


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
