# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How check mode asks a server of the pipeline that does not run as stated yet. Pure.

The fact `cdc_awaited`, which the role workload makes, has for each such server its `state`, as the modules' option
`awaited` takes it, and for one that runs `reached`, its entry in the endpoints.json of the last run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._awaited import CHANGING

Options = Mapping[str, Any]

_CONNECT = "kafka_connect"
_SERVERS = {
    "connect_connector": _CONNECT,
    "connect_connector_info": _CONNECT,
    "debezium_connector": _CONNECT,
    "schema_registry_compatibility": "schema_registry",
    "schema_registry_subject": "schema_registry",
    "schema_registry_subject_info": "schema_registry",
    "kafka_acl": "kafka",
    "kafka_topic": "kafka",
    "kafka_topic_info": "kafka",
    "kafka_user": "kafka",
    "capture_audit": "postgresql",
    "capture_publication": "postgresql",
    "replication_slot_wait": "postgresql",
    "object_store_bucket": "object_store",
}
MODULES = tuple(_SERVERS)


def as_reached(module: str, options: Options, awaited: Mapping[str, Options]) -> dict[str, Any]:
    """The options with which check mode runs a module.

    :param module: its name, one of `MODULES`.
    :param options: as the task states them.
    :param awaited: the fact `cdc_awaited`.
    """
    server = _SERVERS[module]
    state = awaited.get(server, {}).get("state")
    # A plugin asks the servers that its configuration names.
    if state is None and server == _CONNECT and awaited.keys() & set(_SERVERS.values()):
        state = CHANGING
    if state is None:
        return dict(options)
    reached = awaited.get(server, {}).get("reached") or {}
    found = {**options, **(_connection(module, server, reached) if reached else {})}
    if module != "capture_audit":
        found["awaited"] = state
    # Without them, as where nobody signs in.
    return {name: value for name, value in found.items() if value is not None}


def _connection(module: str, server: str, reached: Options) -> dict[str, Any]:
    """Options by which a server is reached; None takes one away."""
    if server == "kafka":
        return {"bootstrap_servers": reached["bootstrap_servers"], "client_config": reached["client"]}
    if server == "object_store":
        return {
            "endpoint_url": reached["endpoint_url"] or None,
            "ca_path": reached.get("ca") or None,
            "access_key_id": reached["access_key_id"] or None,
            "secret_access_key": reached["secret_access_key"] or None,
        }
    if module == "capture_audit":
        return {"postgresql": {name: value for name, value in reached.items() if name != "cdc"}}
    if server == "postgresql":
        return {
            "login_host": reached["host"],
            "login_port": reached["port"],
            "login_user": reached["user"],
            "login_password": reached["password"],
            "ssl_mode": reached.get("sslmode"),
            "ca_cert": reached.get("ca") or None,
        }
    login = reached.get("writer") or {}
    return {
        "url": reached["url"],
        "ca_path": reached.get("ca") or None,
        "username": login.get("username"),
        "password": login.get("password"),
    }
