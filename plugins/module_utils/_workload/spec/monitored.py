# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Prometheus watches, worked out from the declaration of the endpoints. Pure logic of the lookup ``monitored``.

An endpoint that declares ``metrics`` is scraped, each replica by itself. Every endpoint is probed, so that a server
that is down, or whose certificate ends, shows whether or not it has metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .endpoints import Place, endpoint
from .entry import Entry, Metrics, parse_entry

VIEW = "workload"


def monitored(catalogue: Mapping[str, Any], place: Place, components: Iterable[str]) -> dict[str, Any]:
    """What is scraped and what is probed of ``components``.

    Returns:
        ``scraped``: of each component ``component``, ``peer`` (as a workload's `talks_to` has it), ``scheme``,
        ``path``, ``ca`` (empty for none), ``login`` and ``targets``. ``probed``: ``component``, ``peer``, ``ca``,
        ``targets`` and ``module``, the kind of probe: http, tls or tcp. Each target has ``address``, a URL where the
        module is http, and ``replica``. ``depends_on``: what each component depends on, also by way of
        others.

    Raises:
        InvalidError: there is no such component.
        SpecError: its entry is wrong.
    """
    entries = {name: parse_entry(catalogue, name) for name in components}
    return {
        "scraped": [
            _scraped(catalogue, name, entry, metrics, place)
            for name, entry in entries.items()
            if (metrics := _metrics(entry, place))
        ],
        "probed": [
            _probed(catalogue, name, entry, place) for name, entry in entries.items() if entry.ports and entry.replicas
        ],
        "depends_on": {name: sorted(_below(catalogue, name)) for name in entries},
    }


def _below(catalogue: Mapping[str, Any], name: str) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = set(parse_entry(catalogue, ahead.pop()).depends_on) - found
        found |= new
        ahead += new
    return found - {name}


def _metrics(entry: Entry, place: Place) -> Metrics | None:
    """Of a server of ours that has some on this runtime."""
    found = entry.metrics
    return found if found and entry.managed and found.runtime in ("", place.runtime) else None


def _scraped(catalogue: Mapping[str, Any], name: str, entry: Entry, metrics: Metrics, place: Place) -> dict[str, Any]:
    found = endpoint(catalogue, name, metrics.port, VIEW, None, place)
    return {
        "component": name,
        "peer": _peer(name, metrics.port),
        "scheme": "https" if entry.tls.enabled else "http",
        "path": metrics.path,
        "ca": found["ca"],
        "login": metrics.login,
        "targets": _targets(name, found["hosts"].split(",")),
    }


def _probed(catalogue: Mapping[str, Any], name: str, entry: Entry, place: Place) -> dict[str, Any]:
    port = next(iter(entry.ports))
    found = endpoint(catalogue, name, port, VIEW, None, place)
    http = entry.scheme in ("http", "https") and bool(entry.status) and entry.managed
    # PostgreSQL encrypts within its own protocol; its exporter says whether it lets anybody in.
    tls = entry.tls.enabled and entry.protocol != "postgresql"
    addresses = [f"{url}{entry.status}" for url in found["urls"]] if http else found["hosts"].split(",")
    return {
        "component": name,
        "peer": _peer(name, port),
        "module": "http" if http else "tls" if tls else "tcp",
        "ca": found["ca"] if tls else "",
        "targets": _targets(name, addresses),
    }


def _peer(component: str, port: str) -> dict[str, Any]:
    return {"name": _workload(component), "ports": [port]}


def _workload(component: str) -> str:
    return component.replace("_", "-")


def _targets(component: str, addresses: list[str]) -> list[dict[str, str]]:
    workload = _workload(component)
    return [{"address": address, "replica": f"{workload}-{number}"} for number, address in enumerate(addresses)]
