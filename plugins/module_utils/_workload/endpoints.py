# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a component is reached, seen from a workload or from the controller. Pure logic of the lookup ``endpoint``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import InvalidError
from .._suggest import did_you_mean
from .access import PORT_FORWARD, ROUTES, outside_port
from .errors import SpecError
from .reader import Reader

VIEWS = ("workload", "controller")


@dataclass(frozen=True)
class Place:
    """Where the pipeline runs.

    Attributes:
        runtime: local or kubernetes.
        port_offset: added to every port on a host, of which a cluster's own are none.
        host: the address under which processes on this host reach each other.
        external_host: the address under which the controller and clients reach the cluster or the host.
        namespace: of the cluster's workloads.
        domain: of the cluster's services.
        access: how the controller and clients reach the cluster, one of :data:`.access.WAYS`.
        routes: host of each OpenShift route by its name; those that are asked for and absent are not known yet.
    """

    runtime: str
    port_offset: int = 0
    host: str = "127.0.0.1"
    external_host: str = "127.0.0.1"
    namespace: str = "data-ingestion"
    domain: str = "cluster.local"
    access: str = PORT_FORWARD
    routes: Mapping[str, str] = field(default_factory=dict)


def endpoint(
    catalogue: Mapping[str, Any], component: str, port: str | None, view: str, replica: int | None, place: Place
) -> dict[str, Any]:
    """How to reach ``component``.

    Args:
        port: its name in the catalogue; may be None for a component with one port.
        replica: one replica, or None for any of them (the first, or the service's address).

    Returns:
        ``scheme, host, port, url, hosts`` (``host:port`` of every replica, with commas), ``ca`` (path of the CA's
        certificate, None without TLS) and ``credentials`` (name of what to sign in with, None without).

    Raises:
        InvalidError: there is no such component, port, view or replica.
        SpecError: the catalogue's entry is wrong.
    """
    entry = parse_entry(catalogue, component)
    name = _port_name(entry["ports"], component, port)
    number, step, node_port, expose = (entry["ports"][name][key] for key in ("port", "step", "node_port", "expose"))
    replicas = entry["replicas"]
    if view not in VIEWS:
        raise InvalidError(f"The view {view!r} is not one of {', '.join(VIEWS)}")
    if replica is not None and not 0 <= replica < max(replicas, 1):
        raise InvalidError(f"{component} has no replica {replica}: there are {replicas}, counted from 0")

    workload = component.replace("_", "-")

    def address(ordinal: int) -> tuple[str, int]:
        if place.runtime == "local":
            host = place.host if view == "workload" else place.external_host
            return host, number + step * ordinal + place.port_offset
        if view == "workload":
            return f"{workload}-{ordinal}.{workload}-headless.{place.namespace}.svc.{place.domain}", number
        return place.external_host, outside_port(place.access, number, node_port, step * ordinal, place.port_offset)

    outside = place.runtime != "local" and view == "controller"
    if outside and node_port is None and not expose:
        raise InvalidError(
            f"{component} is not reachable from outside of the cluster on its port {name}",
            remedy=f"give cdc_endpoints.{component}.ports.{name} a node_port",
        )
    if outside and place.access == ROUTES and entry["scheme"] == "http":
        return _by_route(entry, f"{workload}-{name.replace('_', '-')}", place)
    host, chosen = address(replica or 0)
    if place.runtime != "local" and view == "workload" and replica is None and not step:
        host = f"{workload}.{place.namespace}.svc.{place.domain}"
    addresses = [address(ordinal) for ordinal in range(max(replicas, 1))]
    return {
        "scheme": entry["scheme"],
        "host": host,
        "port": chosen,
        "url": f"{entry['scheme']}://{host}:{chosen}",
        "hosts": ",".join(f"{each}:{at}" for each, at in addresses),
        "ca": entry["ca"],
        "credentials": entry["credentials"],
    }


def _by_route(entry: Mapping[str, Any], route: str, place: Place) -> dict[str, Any]:
    """OpenShift's router takes all requests at one address, encrypted, and spreads them over the replicas."""
    host = place.routes.get(route)
    if not host:
        raise InvalidError(
            f"The route {route} in the namespace {place.namespace} has no host yet",
            remedy="set cdc_route_domain (such as apps.example.com), or run the component's role first",
        )
    return {
        "scheme": "https",
        "host": host,
        "port": 443,
        "url": f"https://{host}",
        "hosts": f"{host}:443",
        "ca": entry["ca"],
        "credentials": entry["credentials"],
    }


def parse_entry(catalogue: Mapping[str, Any], component: str) -> dict[str, Any]:
    """The checked entry of ``component``.

    Raises:
        InvalidError: there is none.
        SpecError: it is wrong.
    """
    if component not in catalogue:
        hint = did_you_mean(component, catalogue) or "known are " + ", ".join(sorted(catalogue))
        raise InvalidError(f"cdc_endpoints has no component {component}; {hint}")
    problems: list[str] = []
    reader = Reader(catalogue[component], f"cdc_endpoints.{component}", problems)
    ports = reader.data.get("ports") or {}
    reader.child("ports")
    entry = {
        "scheme": reader.string("scheme") or "tcp",
        "replicas": reader.integer("replicas", 1, low=0, high=99),
        "ca": reader.string("ca"),
        "credentials": reader.string("credentials"),
        "ports": {},
    }
    for name, data in ports.items() if isinstance(ports, Mapping) else ():
        child = Reader(data, f"cdc_endpoints.{component}.ports.{name}", problems)
        entry["ports"][name] = {
            "port": child.integer("port", 0, low=1, high=65535, required=True),
            "step": child.integer("step", 0, low=0, high=1000),
            "node_port": child.integer("node_port", None, low=1, high=65535),
            "expose": child.boolean("expose", False),
            "outside_port": child.integer("outside_port", None, low=1, high=65535),
        }
        child.finish()
    reader.finish()
    if problems:
        raise SpecError(component, problems)
    return entry


def _port_name(ports: Mapping[str, Any], component: str, port: str | None) -> str:
    if port is None:
        if len(ports) == 1:
            return next(iter(ports))
        raise InvalidError(f"{component} has the ports {', '.join(ports)}: say which with port=")
    if port not in ports:
        hint = did_you_mean(port, ports) or "known are " + ", ".join(ports)
        raise InvalidError(f"{component} has no port {port}; {hint}")
    return port
