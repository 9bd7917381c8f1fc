# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a host can hold a cluster by kind, and what its own one holds already."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .problem import Problem
from .registries import Call, call

_LABEL = "io.x-k8s.kind.cluster"
_TIMEOUT = 20.0
_PUBLISHED = re.compile(r":(\d+)(?:-(\d+))?->")
_INSTALL = {
    "docker": "install Docker (apt-get install docker.io), or use a cluster that is there: -i inventories/kubernetes",
    "kind": "correct cluster_kind_binary, or leave it empty, so that kind is fetched",
}


@dataclass(frozen=True)
class KindCluster:
    """What of the cluster is there.

    :param nodes: names of its containers.
    :param ports: ports of this host that they hold.
    """

    nodes: tuple[str, ...] = ()
    ports: frozenset[int] = field(default_factory=frozenset)


def look(
    name: str, kind: str = "", run: Call = call, which: Callable[[str], str | None] = shutil.which
) -> tuple[KindCluster, list[Problem]]:
    """The cluster `name` as the container engine knows it, and what is missing to make it.

    :param kind: the program kind; "" where it will be fetched.
    """
    wanted = {"docker": "docker", **({"kind": kind} if kind else {})}
    problems = [
        Problem("kind", f"{program} is not installed, and a cluster by kind needs it",
                found=f"not in PATH: {os.environ.get('PATH', '')}", remedy=_INSTALL[role])
        for role, program in wanted.items() if not which(program)
    ]  # fmt: skip
    if not which("docker"):
        return KindCluster(), problems
    answer = run(["docker", "ps", "--all", "--filter", f"label={_LABEL}={name}", "--format", "{{json .}}"], _TIMEOUT)
    if answer.code != 0:
        problems.append(_engine(answer.output))
        return KindCluster(), problems
    found = [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]
    names = tuple(sorted(str(item.get("Names")) for item in found))
    ports = frozenset(port for item in found for port in _ports(str(item.get("Ports") or "")))
    return KindCluster(names, ports), problems


def _ports(text: str) -> Iterator[int]:
    for first, last in _PUBLISHED.findall(text):
        yield from range(int(first), int(last or first) + 1)


def _engine(output: str) -> Problem:
    host = os.environ.get("DOCKER_HOST") or "the default socket, /var/run/docker.sock"
    denied = "permission denied" in output.lower()
    return Problem(
        "kind",
        "Docker refuses this user" if denied else "Docker does not answer",
        found=f"{' '.join(output.split())[:200]} (DOCKER_HOST: {host})",
        remedy=f"add the user to the group docker and log in anew; this is user id {os.geteuid()}"
        if denied
        else "start it (sudo systemctl start docker), or set DOCKER_HOST to where it listens",
    )
