# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the instance will need of its host, as far as the variables say."""

from __future__ import annotations

from typing import Any

from ._ports import needed_ports
from ._settings import Settings
from ._units import mebibytes

_WORKLOADS = ("postgresql", "object_store", "kafka", "schema_registry", "kafka_connect", "archive")


def needs(settings: Settings) -> dict[str, Any]:
    """Ports, MiB of memory that the components request together, and the names of what they run from."""
    get, memory = settings.get, 0.0
    connect = get("archive_engine") == "connect"
    for role in _WORKLOADS:
        if role == "archive" and connect:  # It runs within Kafka Connect.
            continue
        requested = mebibytes((get(f"{role}_memory") or {}).get("request")) or 0.0
        memory += requested * int(get(f"{role}_replicas") or 1) * (get(f"{role}_managed") is not False)
    wanted = set(get("artifacts_wanted") or ())
    everything = get("artifacts_for_components") is not False
    artifacts = settings.keys("artifacts_catalogue") if everything else list(get("artifacts_of_tools") or ())
    return {
        "ports": needed_ports(get),
        "memory_mib": round(memory),
        "artifacts": artifacts + sorted(wanted & set(settings.keys("artifacts_optional"))),
        "debian_packages": list(get("artifacts_debian_packages") or ()),
    }
