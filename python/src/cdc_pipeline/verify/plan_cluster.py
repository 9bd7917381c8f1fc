"""The parts of the plan that only the runtime kubernetes has: where the cluster is, and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ClusterAccess:
    """How the cluster is reached, and how the pipeline in it is.

    Attributes:
        kubeconfig: empty for the client's default (KUBECONFIG, ~/.kube/config).
        context: empty for the kubeconfig's current one.
        domain: of the names of services.
        access: how the controller reaches services: `host_ports`, `node_ports`, `routes` or `port_forward`.
        external_host: the address under which clients outside find them.
        port_offset: what host ports are above those that are declared.
        declared: `cdc_endpoints`: replicas and ports of each component, with their node ports.
        probe_image: of the pods that checks run for a moment; it needs ``probe_python``.
        image_pull_secrets: with which it is pulled.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = "data-ingestion"
    domain: str = "cluster.local"
    access: str = "host_ports"
    external_host: str = "127.0.0.1"
    port_offset: int = 0
    declared: Mapping[str, Any] = field(default_factory=dict)
    probe_image: str = ""
    probe_python: str = "python3"
    image_pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """T1. ``nodes``: how many; 0 for any number. ``container_runtime``: empty for any."""

    nodes: int = 0
    container_runtime: str = "containerd"
