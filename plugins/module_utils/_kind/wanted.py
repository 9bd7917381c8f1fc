# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked for: a kind configuration, read as far as decisions need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import InvalidError

_API = "kind.x-k8s.io/v1alpha4"
_ROLES = ("control-plane", "worker")
_ALL = ("", "0.0.0.0", "::")
_MAPPINGS = "extraPortMappings"


@dataclass(frozen=True)
class HostPort:
    """A port of this host that leads into a node. ``address`` is where it listens; empty for every address."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address or '0.0.0.0'}:{self.port}"

    def meets(self, other: HostPort) -> bool:
        """Whether both cannot be had at once."""
        return self.port == other.port and (
            self.address == other.address or self.address in _ALL or other.address in _ALL
        )


@dataclass(frozen=True)
class Wanted:
    """A cluster as it should be.

    Attributes:
        config: kind's configuration, with the name in it.
        image: of every node; empty for what the configuration or kind itself says.
    """

    name: str
    config: Mapping[str, Any]
    image: str

    @property
    def nodes(self) -> int:
        return len(self.config["nodes"])

    @property
    def host_ports(self) -> list[HostPort]:
        return list(_host_ports(self.config["nodes"]))

    def record(self) -> dict[str, Any]:
        """What is compared with the cluster that is there."""
        return {"config": dict(self.config), "image": self.image}


def parse_wanted(name: str, config: Mapping[str, Any], image: str) -> Wanted:
    """Checks the configuration as far as kind would only complain after a while, or not at all.

    Raises:
        InvalidError: it is none, or two nodes want one port.
    """
    where = f"the configuration of the kind cluster {name}"
    for key, fixed in (("kind", "Cluster"), ("apiVersion", _API)):
        if config.get(key) != fixed:
            raise InvalidError(f"This is no kind configuration: {key} is not {fixed}", where=where)
    if config.get("name", name) != name:
        raise InvalidError(
            f"The configuration is one of another cluster: {config['name']}",
            where=where,
            remedy="leave `name` out of it",
        )
    nodes = config.get("nodes") or [{"role": "control-plane"}]
    roles = [node.get("role", "control-plane") for node in nodes]
    if "control-plane" not in roles or set(roles) - set(_ROLES):
        raise InvalidError(
            "The nodes need a control plane, and otherwise workers",
            where=where,
            why=f"their roles are {', '.join(roles)}",
        )
    taken: list[HostPort] = []
    for port in _host_ports(nodes):
        if any(port.meets(other) for other in taken):
            raise InvalidError(f"The host port {port} is used twice", where=where)
        taken.append(port)
    return Wanted(name, {**config, "name": name, "nodes": nodes}, image)


def _host_ports(nodes: Sequence[Mapping[str, Any]]) -> Iterator[HostPort]:
    for node in nodes:
        for mapping in node.get(_MAPPINGS, ()):
            # Without a host port, or with 0, a free one is chosen.
            if mapping.get("hostPort"):
                yield HostPort(mapping.get("listenAddress", ""), int(mapping["hostPort"]))


def unmapped(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[int]:
    """The host ports of the configuration ``after`` that a cluster made of ``before`` does not have."""
    there = {port.port for port in _host_ports(before["nodes"])}
    return sorted({port.port for port in _host_ports(after["nodes"])} - there)


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """What of ``after`` differs in ``before``, as ``path: before -> after``.

    More mapped ports are no difference, nor are fewer, which can be reached otherwise. One that leads elsewhere is.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        lines = []
        for key in sorted({*before, *after}):
            old, new = before.get(key), after.get(key)
            place = f"{path}.{key}".lstrip(".")
            lines += _misled(old or [], new or [], place) if key == _MAPPINGS else differences(old, new, place)
        return lines
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, (old, new) in pairs for line in differences(old, new, f"{path}[{index}]")]
    return [] if before == after else [f"{path}: {_shown(before)} -> {_shown(after)}"]


def _misled(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], place: str) -> Iterator[str]:
    """The mappings in ``after`` whose host port leads elsewhere, or is none that could be forwarded."""
    taken = list(_host_ports([{_MAPPINGS: before}]))
    for mapping in after:
        if mapping in before:
            continue
        # One without a host port is chosen by the engine, which nobody could tell from another.
        port = next(_host_ports([{_MAPPINGS: [mapping]}]), None)
        if port is None:
            yield f"{place}: none to {mapping['containerPort']} at a port that the engine chooses"
        elif any(port.meets(other) for other in taken):
            yield f"{place}: {port} leads elsewhere"


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return f"{len(value)} entries" if isinstance(value, (list, dict)) else str(value)
