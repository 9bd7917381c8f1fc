# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a host can hold a kind cluster, and what its own one holds already."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._problem import Problem
from .registries import Call, call

_LABEL = "io.x-k8s.kind.cluster"
_TIMEOUT = 20.0
_PUBLISHED = re.compile(r":(\d+)(?:-(\d+))?->")
_INSTALL = {
    "docker": "install Docker (apt-get install docker.io), or use a cluster that is there: cluster_provider=existing",
    "kind": "correct cluster_kind_binary, or leave it empty, so that kind is fetched",
}


@dataclass(frozen=True)
class KindCluster:
    """What of the cluster is there.

    :param nodes: names of its containers.
    :param ports: ports of this host that they hold.
    :param others: the container that holds each further port, with its kind cluster if it has one.
    """

    nodes: tuple[str, ...] = ()
    ports: frozenset[int] = field(default_factory=frozenset)
    others: Mapping[int, str] = field(default_factory=dict)


def look(
    name: str, kind: str = "", run: Call = call, which: Callable[[str], str | None] = shutil.which
) -> tuple[KindCluster, list[Problem]]:
    """The cluster `name` as the container engine knows it, and what is missing to make it.

    :param kind: the program kind; "" where it will be fetched.
    """
    wanted = {"docker": "docker", **({"kind": kind} if kind else {})}
    problems = [
        Problem("kind", f"{program} is not installed, and a kind cluster needs it",
                found=f"not in PATH: {os.environ.get('PATH', '')}", remedy=_INSTALL[role])
        for role, program in wanted.items() if not which(program)
    ]  # fmt: skip
    if not which("docker"):
        return KindCluster(), problems
    answer = run(["docker", "ps", "--all", "--format", "{{json .}}"], _TIMEOUT)
    if answer.code != 0:
        problems.append(_engine(answer.output))
        return KindCluster(), problems
    found = [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]
    own = [item for item in found if _cluster(item) == name]
    others = {
        port: f"container {item.get('Names')}" + (f" of the kind cluster {_cluster(item)}" if _cluster(item) else "")
        for item in found
        for port in _ports(str(item.get("Ports") or ""))
        if _cluster(item) != name
    }
    names = tuple(sorted(str(item.get("Names")) for item in own))
    ports = frozenset(port for item in own for port in _ports(str(item.get("Ports") or "")))
    return KindCluster(names, ports, others), problems


def taken_ports(ports: Sequence[Mapping[str, Any]], others: Mapping[int, str]) -> Iterator[Problem]:
    """A problem for each container outside of the cluster that holds ports which its nodes want.

    :param ports: `{"port": 9092, "listener": "kafka-0 (client)"}`.
    """
    wanted: dict[str, list[Mapping[str, Any]]] = {}
    for item in ports:
        if item["port"] in others:
            wanted.setdefault(others[item["port"]], []).append(item)
    for holder, items in wanted.items():
        numbers = ", ".join(str(item["port"]) for item in items)
        names = ", ".join(dict.fromkeys(str(item["listener"]).partition(" ")[0] for item in items))
        _container, name, *_rest = holder.split()
        cluster = holder.rpartition(" of the kind cluster ")[2] if " of the kind cluster " in holder else ""
        end = f"remove that cluster (kind delete cluster --name {cluster})" if cluster else f"docker stop {name}"
        yield Problem(
            "port",
            f"{'Port' if len(items) == 1 else 'Ports'} {numbers}, wanted by {names}, taken by another container",
            found=holder,
            remedy=f"{end}, or move the whole instance with cdc_port_offset",
        )


def _cluster(item: Mapping[str, Any]) -> str:
    labels = str(item.get("Labels") or "").split(",")
    return next((label.partition("=")[2] for label in labels if label.partition("=")[0] == _LABEL), "")


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
        remedy=f"add the user to the group docker and log in again; this is user id {os.geteuid()}"
        if denied
        else "start it (sudo systemctl start docker), or set DOCKER_HOST to where it listens",
    )
