# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the instance will need of its host or cluster, as far as the variables say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ._ports import needed_ports
from ._settings import Settings
from ._units import mebibytes, millicores

WORKLOADS = ("object_store", "postgresql", "kafka", "schema_registry", "kafka_connect", "connectors", "archive")


def needs(settings: Settings) -> dict[str, Any]:
    """Ports, what the components request, their volumes, and what they run from."""
    workloads = list(_workloads(settings))
    return {
        "ports": needed_ports(settings.get),
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
    }
    return {
        "provider": provider,
        # Of the operators' rights, those that are not always needed.
        "only": [name for name, needed in only.items() if needed],
        "kind_binary": str(get("cluster_kind_binary") or ""),
        "create_namespace": get("tenancy_create_namespace") is not False,
        "create_roles": get("tenancy_create_roles") is not False,
        "classes": {
            name: str((own or {}).get("provisioner") or get("storage_provisioner") or "")
            for name, own in classes.items()
            if name in used
        },
    }


def _workloads(settings: Settings) -> Iterator[dict[str, Any]]:
    """In the order in which they are set up: replicas, and what each of them requests."""
    get = settings.get
    classes = get("cdc_storage_classes") or {}
    for role in WORKLOADS:
        # The engine connect archives within Kafka Connect.
        if get(f"{role}_managed") is False or (role == "archive" and get("archive_engine") == "connect"):
            continue
        yield {
            "name": role.replace("_", "-"),
            "replicas": int(get(f"{role}_replicas") or 1),
            "memory_mib": mebibytes((get(f"{role}_memory") or {}).get("request")) or 0.0,
            "cpu_millis": millicores((get(f"{role}_cpu") or {}).get("request")) or 0,
            "storage_mib": mebibytes(get(f"{role}_storage_size")) or 0.0,
            "storage_class": classes.get(role) or "",
        }
