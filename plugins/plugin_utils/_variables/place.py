# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the pipeline runs, and the declaration of its endpoints, as the variables of a host have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.template import Templar

from ...module_utils._workload.spec.access import PORT_FORWARD
from ...module_utils._workload.spec.endpoints import Place


def read_place(variables: Mapping[str, Any], templar: Templar) -> tuple[Mapping[str, Any], Place]:
    """The catalogue `cdc_endpoints`, and the place."""

    def value(name: str, default: Any) -> Any:
        found = variables.get(name)
        return default if found is None else templar.template(found)

    place = Place(
        runtime=value("cdc_runtime", "local"),
        port_offset=int(value("cdc_port_offset", 0)),
        external_host=value("cdc_external_host", "127.0.0.1"),
        namespace=value("cdc_namespace", "data-ingestion"),
        domain=value("cdc_cluster_domain", "cluster.local"),
        access=value("cdc_access", PORT_FORWARD),
        routes=_Routes(value),
        trust=f"{value('cdc_home', '')}/trust",
    )
    return value("cdc_endpoints", {}), place


class _Routes(dict[str, str]):
    """Hosts of OpenShift's routes by name, asked for when they are needed."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def get(self, key: str, default: Any = None) -> Any:
        value = self._value
        namespace, domain = value("cdc_namespace", "data-ingestion"), value("cdc_route_domain", "")
        if domain:
            return f"{key}-{namespace}.{domain}"
        # Kubernetes' client takes half a second to import, in every task, and few look a route up.
        from ...module_utils._kubernetes.api import connect

        api = connect(value("cdc_kubeconfig", ""), value("cdc_kube_context", ""), namespace)
        return ((api.get("Route", key) or {}).get("spec") or {}).get("host", default)
