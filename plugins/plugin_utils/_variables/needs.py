# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the instance will need of its host or cluster, as far as the variables say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils._workload.spec.model import Workload
from .ports import needed_ports
from .settings import Settings
from .stated import Stated

_MEBIBYTE = 1024 * 1024


def needs(settings: Settings, stated: Stated) -> dict[str, Any]:
    """Ports, what the stated workloads request, their volumes and flows, and what they run from."""
    classes = settings.get("cdc_storage_classes") or {}
    workloads = [_needed(role, item, classes) for role, group in stated.workloads.items() for item in group]
    return {
        "ports": needed_ports(settings.get, stated.all()),
        "memory_mib": round(sum(item["memory_mib"] * item["replicas"] for item in workloads)),
        "workloads": workloads,
        "artifacts": _artifacts(settings.in_role("artifacts").get),
        "maven_settings": settings.get("artifacts_maven_settings") or "",
        "debian_packages": list(settings.get("artifacts_debian_packages") or ()),
        "cluster": _cluster(settings.get) if settings.get("cdc_runtime") == "kubernetes" else {},
    }


def _artifacts(get: Callable[[str], Any]) -> dict[str, Any]:
    """The catalogue of what this run will build, unless it is there."""
    catalogue = get("artifacts_catalogue") or {}
    if get("artifacts_for_components") is False:
        catalogue = _chosen(catalogue, get("artifacts_of_tools"))
    return {**catalogue, **_chosen(get("artifacts_optional"), get("artifacts_wanted"))}


def _chosen(catalogue: dict[str, Any] | None, names: list[str] | None) -> dict[str, Any]:
    return {name: item for name, item in (catalogue or {}).items() if name in (names or ())}


def _cluster(get: Callable[[str], Any]) -> dict[str, Any]:
    """Whose cluster it is, and what the roles `storage` and `tenancy` make in it."""
    used = {str(name) for name in (get("cdc_storage_classes") or {}).values()}
    classes = get("storage_classes") or {}
    provider = str(get("cluster_provider") or "")
    openshift = provider == "openshift"
    only = {
        "openshift": openshift,
        "route_hosts": openshift and get("cdc_route_domain"),
        "bounds": get("tenancy_quota") or get("tenancy_limits"),
        "issuer": get("cdc_security") and any((get("certificates_issuer") or {}).values()),
    }
    return {
        "provider": provider,
        # Of the operators' rights, those that are not always needed.
        "only": [name for name, needed in only.items() if needed],
        "prometheus_operator": bool(get("monitoring_enabled")) and get("monitoring_service_monitors") == "always",
        "kind_binary": str(get("cluster_kind_binary") or ""),
        "create_namespace": get("tenancy_create_namespace") is not False,
        "create_roles": get("tenancy_create_roles") is not False,
        "classes": {
            name: str((own or {}).get("provisioner") or get("storage_provisioner") or "")
            for name, own in classes.items()
            if name in used
        },
    }


def _needed(role: str, workload: Workload, classes: Mapping[str, str]) -> dict[str, Any]:
    """What one workload needs, each amount for one replica."""
    resources, storage = workload.resources, workload.storage
    return {
        "name": workload.name,
        "role": role,
        "kind": workload.kind,
        "replicas": workload.replicas,
        "memory_mib": (resources.memory_request or 0) / _MEBIBYTE,
        "cpu_millis": resources.cpu_request or 0,
        "storage_mib": storage.size / _MEBIBYTE if storage else 0.0,
        "storage_class": classes.get(storage.storage_class or "") or "" if storage else "",
        "ports": {
            name: [port.port + port.step * ordinal for ordinal in range(workload.replicas)]
            for name, port in workload.ports.items()
        },
        "service_account": workload.service_account or "",
        "talks_to": {peer.name: list(peer.ports) for peer in workload.talks_to},
    }
