# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a component is reached, seen from a workload or from the controller. Pure logic of the lookup ``endpoint``.

A declaration says once which protocol a component speaks, whether it encrypts, and whether it is the user's own.
What each kind of client needs follows here, so that no role writes a URL or a security setting by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ..._errors import InvalidError
from ..._suggest import did_you_mean
from .access import PORT_FORWARD, ROUTES, outside_port
from .clients import Login, Tls, clients
from .entry import Entry, parse_entry

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
        trust: folder on the controller with the certificate authorities of each component.
    """

    runtime: str
    port_offset: int = 0
    host: str = "127.0.0.1"
    external_host: str = "127.0.0.1"
    namespace: str = "data-ingestion"
    domain: str = "cluster.local"
    access: str = PORT_FORWARD
    routes: Mapping[str, str] = field(default_factory=dict)
    trust: str = ""


def endpoint(
    catalogue: Mapping[str, Any],
    component: str,
    port: str | None,
    view: str,
    replica: int | None,
    place: Place,
    login: Login | None = None,
) -> dict[str, Any]:
    """How to reach ``component``.

    Args:
        port: its name in the catalogue; may be None for a component with one port.
        replica: one replica, or None for any of them (the first, or the service's address).
        login: who signs in to Kafka's brokers, where they encrypt.

    Returns:
        ``protocol``, ``scheme``, ``tls``, ``managed``, ``host``, ``port``, ``url``, ``hosts`` (``host:port`` of every
        replica, with commas), ``urls`` (of every replica), ``apis`` (URL of each interface by its name), ``ca`` (path
        of the authorities to trust in this view; empty for none) and what :func:`.clients.clients` adds for each kind
        of client.

    Raises:
        InvalidError: there is no such component, port, view or replica.
        SpecError: the catalogue's entry is wrong.
    """
    entry = parse_entry(catalogue, component)
    if view not in VIEWS:
        raise InvalidError(f"The view {view!r} is not one of {', '.join(VIEWS)}")
    if not entry.managed:
        return _described(component, entry, view, place, *_external(entry), login=login)
    name = _port_name(entry.ports, component, port)
    number, step, node_port = (entry.ports[name][key] for key in ("port", "step", "node_port"))
    replicas = entry.replicas
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
    if outside and not _outside(entry.ports[name]):
        raise InvalidError(
            f"{component} is not reachable from outside of the cluster on its port {name}",
            remedy=f"give cdc_endpoints.{component}.ports.{name} a node_port",
        )
    if outside and place.access == ROUTES and entry.routable:
        host = _route(f"{workload}-{name.replace('_', '-')}", place)
        # OpenShift's router takes all requests at one address, encrypted, with a certificate that the system trusts.
        routed = replace(entry, tls=Tls(enabled=True))
        return _described(component, routed, view, place, (host, 443), [(host, 443)], f"https://{host}", login=login)
    first = address(replica or 0)
    if place.runtime != "local" and view == "workload" and replica is None and not step:
        first = f"{workload}.{place.namespace}.svc.{place.domain}", first[1]
    addresses = [address(ordinal) for ordinal in range(max(replicas, 1))]
    return _described(component, entry, view, place, first, addresses, login=login)


def _described(
    component: str,
    entry: Entry,
    view: str,
    place: Place,
    first: tuple[str, int],
    addresses: list[tuple[str, int]],
    url: str | None = None,
    *,
    login: Login | None = None,
) -> dict[str, Any]:
    """The result of :func:`endpoint` for these addresses."""
    urls = [f"{entry.scheme}://{host}:{port}" for host, port in addresses] if url is None else [url]
    url = f"{entry.scheme}://{first[0]}:{first[1]}" if url is None else url
    name = f"trust/{component}.pem"
    ca = ""
    if entry.tls.enabled and entry.tls.ca:
        ca = f"@{{config}}/{name}" if view == "workload" else f"{place.trust}/{component}.pem"
    found = {
        "protocol": entry.protocol,
        "scheme": entry.scheme,
        "tls": entry.tls.enabled,
        "managed": entry.managed,
        "host": first[0],
        "port": first[1],
        "url": url,
        "hosts": ",".join(f"{host}:{port}" for host, port in addresses),
        "urls": urls,
        "apis": {key: f"{url}{path}" for key, path in entry.paths.items()},
        "ca": ca,
    }
    return {**found, **clients(component, entry.tls, found, login)}


def _external(entry: Entry) -> tuple[tuple[str, int], list[tuple[str, int]], str | None]:
    """Addresses of a server of the user's own, the same in every view."""
    if entry.protocol != "s3":
        address = entry.external.host, entry.external.port
        return address, [address], None
    parts = urlsplit(entry.external.url)
    address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return address, [address], entry.external.url


def _route(route: str, place: Place) -> str:
    """The host of an OpenShift route."""
    host = place.routes.get(route)
    if not host:
        raise InvalidError(
            f"The route {route} in the namespace {place.namespace} has no host yet",
            remedy="set cdc_route_domain (such as apps.example.com), or run the component's role first",
        )
    return host


def certificate_names(catalogue: Mapping[str, Any], component: str, place: Place) -> list[str]:
    """The host names and addresses under which anybody reaches ``component``; none of a server of the user's own.

    Raises:
        InvalidError: there is no such component.
        SpecError: its entry is wrong.
    """
    entry = parse_entry(catalogue, component)
    if not entry.managed:
        return []
    names = ["localhost", "127.0.0.1", "::1", place.host, place.external_host]
    if place.runtime != "local":
        workload = component.replace("_", "-")
        headless = f"*.{workload}-headless"
        # The shorter ones are what a router or a person in the namespace uses.
        spaces = f"{place.namespace}.svc", f"{place.namespace}.svc.{place.domain}"
        names += [workload, headless, *(f"{name}.{space}" for space in spaces for name in (workload, headless))]
        if place.access == ROUTES and entry.routable:
            routes = [f"{workload}-{name.replace('_', '-')}" for name, port in entry.ports.items() if _outside(port)]
            names += [host for route in routes if (host := place.routes.get(route))]
    return list(dict.fromkeys(names))


def reached_hosts(catalogue: Mapping[str, Any], component: str, place: Place) -> list[str]:
    """The hosts, but a router's, by which clients verify the certificate of ``component``; none of a user's own server.

    Raises:
        InvalidError: there is no such component.
        SpecError: its entry is wrong.
    """
    entry = parse_entry(catalogue, component)
    if not entry.managed:
        return []
    hosts = []
    for port in entry.ports:
        hosts.append(endpoint(catalogue, component, port, "workload", None, place))
        routed = place.runtime != "local" and place.access == ROUTES and entry.routable
        if place.runtime == "local" or (_outside(entry.ports[port]) and not routed):
            hosts.append(endpoint(catalogue, component, port, "controller", None, place))
    return list(dict.fromkeys(name for each in hosts for name in (each["host"], *_hosts(each["hosts"]))))


def listeners(catalogue: Mapping[str, Any], component: str, place: Place) -> list[dict[str, str]]:
    """The ports of ``component`` that encrypt and that the controller reaches, other than by a router.

    Returns:
        Of each ``server``, ``address`` (host and port), ``protocol`` and ``ca`` (path on the controller).
    """
    entry = parse_entry(catalogue, component)
    routed = place.runtime != "local" and place.access == ROUTES and entry.routable
    if not entry.managed or not entry.tls.enabled or routed:
        return []
    ports = [name for name, port in entry.ports.items() if place.runtime == "local" or _outside(port)]
    # By the other ports of a store its parts speak to each other, and show a certificate of their own.
    ports = [name for name in ports if entry.protocol != "s3" or name == "s3"]
    found = [endpoint(catalogue, component, name, "controller", None, place) for name in ports]
    return [
        {"server": component, "address": address, "protocol": entry.protocol, "ca": each["ca"]}
        for each in found
        for address in each["hosts"].split(",")
    ]


def _hosts(addresses: str) -> list[str]:
    return [address.rpartition(":")[0] for address in addresses.split(",")]


def _outside(port: Mapping[str, Any]) -> bool:
    """Whether a port is reached from outside of a cluster."""
    return port["node_port"] is not None or port["expose"]


def _port_name(ports: Mapping[str, Any], component: str, port: str | None) -> str:
    if port is None:
        if len(ports) == 1:
            return next(iter(ports))
        raise InvalidError(f"{component} has the ports {', '.join(ports)}: say which with port=")
    if port not in ports:
        hint = did_you_mean(port, ports) or "known are " + ", ".join(ports)
        raise InvalidError(f"{component} has no port {port}; {hint}")
    return port
