# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A component's declaration in ``cdc_endpoints``, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._errors import InvalidError
from ..._suggest import did_you_mean
from .clients import Tls
from .errors import SpecError
from .reader import Reader

PROTOCOLS = ("http", "kafka", "postgresql", "s3")


@dataclass(frozen=True)
class External:
    """Where a server of the user's own is. An S3 store has a URL; it is empty for AWS."""

    host: str = ""
    port: int = 0
    url: str = ""


@dataclass(frozen=True)
class Metrics:
    """Where Prometheus finds a component's metrics.

    Attributes:
        port: its name.
        login: the credential with which it signs in, where everybody has to.
        runtime: the only one on which there are any; empty for both.
    """

    port: str
    path: str = "/metrics"
    login: str = ""
    runtime: str = ""


@dataclass(frozen=True)
class Entry:
    """A component's declaration in ``cdc_endpoints``.

    Attributes:
        routable: whether OpenShift's router may lead to it.
        paths: of its interfaces, by name.
        ports: number, step, node port and so on of each port by its name.
        metrics: None where it has none.
        status: a path of its first port that answers anybody with a status alone; empty for none.
        depends_on: components without which it cannot do its work.
    """

    protocol: str
    managed: bool
    external: External
    routable: bool
    replicas: int
    paths: Mapping[str, str]
    tls: Tls
    ports: Mapping[str, Mapping[str, Any]]
    metrics: Metrics | None = None
    status: str = ""
    depends_on: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        if self.protocol in ("http", "s3"):
            return "https" if self.tls.enabled else "http"
        return self.protocol


def parse_entry(catalogue: Mapping[str, Any], component: str) -> Entry:
    """The checked entry of ``component``.

    Raises:
        InvalidError: there is none.
        SpecError: it is wrong.
    """
    if component not in catalogue:
        hint = did_you_mean(component, catalogue) or "known are " + ", ".join(sorted(catalogue))
        raise InvalidError(f"cdc_endpoints has no component {component}; {hint}")
    problems: list[str] = []
    place = f"cdc_endpoints.{component}"
    reader = Reader(catalogue[component], place, problems)
    ports = reader.data.get("ports") or {}
    reader.child("ports")
    entry = Entry(
        protocol=reader.choice("protocol", PROTOCOLS, "http"),
        managed=reader.boolean("managed", True),
        external=_read_external(reader.child("external")),
        routable=reader.boolean("routable", False),
        replicas=reader.integer("replicas", 1, low=0, high=99),
        paths=reader.string_map("paths"),
        tls=_read_tls(reader.child("tls")),
        ports={
            str(name): _read_port(Reader(data, f"{place}.ports.{name}", problems))
            for name, data in (ports.items() if isinstance(ports, Mapping) else ())
        },
        metrics=_read_metrics(reader.child("metrics")),
        status=reader.string("status") or "",
        depends_on=reader.strings("depends_on"),
    )
    reader.finish()
    if entry.metrics is not None and entry.metrics.port not in entry.ports:
        reader.problem(f"it has no port {entry.metrics.port}", "metrics.port")
    if entry.managed and entry.tls.enabled and not (entry.tls.certificate and entry.tls.key):
        reader.problem("needs certificate and key, each in PEM, where tls.enabled is true", "tls")
    # Whether an S3 store of the user's own encrypts is said by its URL.
    if not entry.managed and entry.external.url.startswith("https://"):
        entry = replace(entry, tls=replace(entry.tls, enabled=True))
    if problems:
        raise SpecError(component, problems)
    return entry


def _read_port(reader: Reader) -> dict[str, Any]:
    port = {
        "port": reader.integer("port", 0, low=1, high=65535, required=True),
        "step": reader.integer("step", 0, low=0, high=1000),
        "node_port": reader.integer("node_port", None, low=1, high=65535),
        "expose": reader.boolean("expose", False),
        "outside_port": reader.integer("outside_port", None, low=1, high=65535),
    }
    reader.finish()
    return port


def _read_metrics(reader: Reader | None) -> Metrics | None:
    if reader is None or not reader.data:
        return None
    metrics = Metrics(
        port=reader.string("port", required=True) or "",
        path=reader.string("path") or "/metrics",
        login=reader.string("login") or "",
        runtime=reader.choice("runtime", ("", "local", "kubernetes"), ""),
    )
    reader.finish()
    return metrics


def _read_external(reader: Reader | None) -> External:
    if reader is None:
        return External()
    external = External(
        host=reader.string("host") or "",
        port=reader.integer("port", 0, low=0, high=65535),
        url=(reader.string("url") or "").rstrip("/"),
    )
    reader.finish()
    return external


def _read_tls(reader: Reader | None) -> Tls:
    if reader is None:
        return Tls()
    tls = Tls(
        enabled=reader.boolean("enabled", False),
        ca=reader.string("ca") or "",
        certificate=reader.string("certificate") or "",
        key=reader.string("key") or "",
    )
    reader.finish()
    return tls
