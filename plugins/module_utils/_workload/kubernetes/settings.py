# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The map that the lookup ``cluster`` makes and the modules take, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..spec.access import NODE_PORTS, WAYS
from ..spec.errors import SpecError
from ..spec.reader import Reader
from .pods import Cluster


@dataclass(frozen=True)
class Connection:
    """How the controller reaches the cluster, and what it has itself.

    Attributes:
        kubeconfig: path of the file.
        context: empty for the file's current one.
        artifacts: folder of each artifact on the controller by its name, for rolling gates.
    """

    kubeconfig: str = ""
    context: str = ""
    artifacts: Mapping[str, str] = field(default_factory=dict)


def parse_cluster(data: Mapping[str, Any]) -> tuple[Cluster, Connection]:
    """The checked cluster of ``data``.

    Raises:
        SpecError: with every problem.
    """
    problems: list[str] = []
    reader = Reader(data, "cluster", problems)
    connection = Connection(
        kubeconfig=reader.string("kubeconfig") or "",
        context=reader.string("context") or "",
        artifacts=reader.string_map("controller_artifacts"),
    )
    known = Cluster()
    cluster = Cluster(
        namespace=reader.string("namespace") or known.namespace,
        domain=reader.string("domain") or known.domain,
        external_host=reader.string("external_host") or known.external_host,
        access=reader.choice("access", WAYS, NODE_PORTS),
        port_offset=reader.integer("port_offset", 0, low=0, high=60000),
        unmapped=tuple(reader.integers("unmapped")),
        storage_classes=reader.string_map("storage_classes"),
        peers=_peers(reader),
        outside=_maps(reader, "outside"),
        clients=_list_of_maps(reader, "clients"),
        account_annotations=_maps(reader, "account_annotations"),
        image_pull_secrets=reader.strings("image_pull_secrets"),
        tolerations=_list_of_maps(reader, "tolerations"),
        openshift=reader.boolean("openshift", False),
        routable=reader.strings("routable"),
        encrypted=reader.string_map("encrypted"),
        route_domain=reader.string("route_domain") or "",
    )
    reader.finish()
    if problems:
        raise SpecError(f"cluster {connection.context or connection.kubeconfig}", problems)
    return cluster, connection


def _peers(reader: Reader) -> dict[str, Mapping[str, int]]:
    child = reader.child("peers")
    if child is None:
        return {}
    ports = {str(name): child.child(str(name)) for name in child.data}
    return {
        name: {str(port): each.integer(str(port), 0, low=1, high=65535, required=True) for port in each.data}
        for name, each in ports.items()
        if each
    }


def _maps(reader: Reader, key: str) -> dict[str, Mapping[str, Any]]:
    child = reader.child(key)
    if child is None:
        return {}
    wrong = [name for name, value in child.data.items() if not isinstance(value, Mapping)]
    for name in wrong:
        child.problem("must be a map", str(name))
    return {str(name): value for name, value in child.data.items() if name not in wrong}


def _list_of_maps(reader: Reader, key: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(item.data for item in reader.items(key))
