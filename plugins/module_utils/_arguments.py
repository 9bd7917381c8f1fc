# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that several modules take: one argument spec each, documented by the doc fragment of the same name."""

from __future__ import annotations

from typing import Any

from ._awaited import STATES


def awaited_argument() -> dict[str, Any]:
    """The option of the doc fragment `awaited`, of modules that ask a server."""
    return {"awaited": {"type": "str", "choices": STATES}}


def rest_arguments(default_wait: int | None = None) -> dict[str, Any]:
    """Options of the doc fragment `rest`.

    :param default_wait: seconds; adds `wait_timeout` (doc fragment `wait`) with this default.
    """
    arguments: dict[str, Any] = {
        "url": {"type": "str", "required": True},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "use_proxy": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 30},
        "retry_timeout": {"type": "int", "default": 60},
        **awaited_argument(),
    }
    if default_wait is not None:
        arguments["wait_timeout"] = {"type": "int", "default": default_wait}
    return arguments


REST_REQUIRED_TOGETHER = [("username", "password")]
REST_REQUIRED_BY = {"client_key": "client_cert"}


def kafka_arguments() -> dict[str, Any]:
    """Options of the doc fragment `kafka`."""
    return {
        "bootstrap_servers": {"type": "str", "required": True},
        "client_config": {"type": "dict", "default": {}},
        "secret_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "retry_timeout": {"type": "int", "default": 60},
        "wait_timeout": {"type": "int", "default": 60},
        **awaited_argument(),
    }


def postgresql_arguments() -> dict[str, Any]:
    """Options of the doc fragment `postgresql`."""
    return {
        "login_host": {"type": "str", "required": True},
        "login_port": {"type": "int", "default": 5432},
        "login_user": {"type": "str", "default": "postgres"},
        "login_password": {"type": "str", "no_log": True},
        "login_db": {"type": "str", "required": True},
        "ssl_mode": {
            "type": "str",
            "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
            "default": "prefer",
        },
        "ca_cert": {"type": "path"},
        "connect_timeout": {"type": "int", "default": 10},
    }


def kubernetes_arguments() -> dict[str, Any]:
    """Options of the doc fragment `kubernetes`."""
    return {
        "kubeconfig": {"type": "str", "required": True},
        "context": {"type": "str", "default": ""},
    }


def instance_argument() -> dict[str, Any]:
    """The option of the doc fragment `instance`. The lookup `instance` gives exactly its keys."""
    return {
        "instance": {
            "type": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "home": {"type": "str", "required": True},
                "port_offset": {"type": "int", "default": 0},
                "user": {"type": "str"},
                "external_host": {"type": "str", "default": "127.0.0.1"},
                "order": {"type": "list", "elements": "str", "default": []},
                "artifacts": {"type": "dict", "default": {}},
                "java": {"type": "str"},
                "python": {"type": "str"},
                "services": {"type": "str"},
            },
        }
    }


def cluster_argument() -> dict[str, Any]:
    """The option of the doc fragment `cluster`. The lookup `cluster` gives exactly its keys."""
    return {
        "cluster": {
            "type": "dict",
            "required": True,
            "options": {
                "kubeconfig": {"type": "str", "default": ""},
                "context": {"type": "str", "default": ""},
                "namespace": {"type": "str", "default": "data-ingestion"},
                "domain": {"type": "str", "default": "cluster.local"},
                "external_host": {"type": "str", "default": "127.0.0.1"},
                "access": {
                    "type": "str",
                    "choices": ["host_ports", "node_ports", "port_forward", "routes"],
                    "default": "node_ports",
                },
                "port_offset": {"type": "int", "default": 0},
                "unmapped": {"type": "list", "elements": "int", "default": []},
                "route_domain": {"type": "str", "default": ""},
                "storage_classes": {"type": "dict", "default": {}},
                "account_annotations": {"type": "dict", "default": {}},
                # Their names.
                "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
                "tolerations": {"type": "list", "elements": "dict", "default": []},
                "openshift": {"type": "bool", "default": False},
                "peers": {"type": "dict", "default": {}},
                "routable": {"type": "list", "elements": "str", "default": []},
                "encrypted": {"type": "dict", "default": {}},
                "outside": {"type": "dict", "default": {}},
                "clients": {"type": "list", "elements": "dict", "default": []},
                "controller_artifacts": {"type": "dict", "default": {}},
            },
        }
    }
