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
        unmapped: with `host_ports`, those that the cluster was made without; they are forwarded.
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
    unmapped: tuple[int, ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict)
    probe_image: str = ""
    probe_python: str = "python3"
    image_pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """T1. ``nodes``: how many; 0 for any number. ``container_runtime``: empty for any."""

    nodes: int = 0
    container_runtime: str = "containerd"


@dataclass(frozen=True)
class Volume:
    """The volumes of a workload's replicas. ``storage_class``: empty for the cluster's default."""

    name: str
    storage_mib: float
    replicas: int = 1
    storage_class: str = ""


@dataclass(frozen=True)
class Storage:
    """T2. ``classes``: those of the volumes; an empty name is the cluster's default. ``made``: by the role storage."""

    classes: tuple[str, ...] = ("cdc-postgresql", "cdc-kafka")
    made: tuple[str, ...] = ("cdc-postgresql", "cdc-kafka")
    volumes: tuple[Volume, ...] = ()


@dataclass(frozen=True)
class Tenancy:
    """T3.

    Attributes:
        pod_security: the level that the namespace enforces.
        flows: the ports, by name, of each workload that each workload may open connections to.
        accounts: the service account of each workload.
        operator: the account whose rights are the operators'; empty where others give them theirs.
        rights: of the operators, as rules of a Role and of a ClusterRole.
    """

    pod_security: str = "restricted"
    flows: Mapping[str, Any] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    operator: str = "cdc-pipeline-operator"
    rights: tuple[Mapping[str, Any], ...] = ()
