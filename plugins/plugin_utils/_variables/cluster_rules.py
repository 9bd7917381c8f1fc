# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules over the variables of the runtime kubernetes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._problem import Problem
from ...module_utils._suggest import did_you_mean
from ...module_utils._workload.spec.model import Workload
from .ports import node_ports

Get = Callable[[str], Any]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
# The cluster's default range; the API server says so itself where an administrator has moved it.
_LOWEST, _HIGHEST = 30000, 32767
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def cluster_problems(get: Get, workloads: Sequence[Workload]) -> list[Problem]:
    """Everything that is wrong of a pipeline in a cluster.

    :param workloads: those that the roles state.
    """
    problems = [problem for rule in _RULES for problem in rule(get)]
    return problems + [problem for rule in _WORKLOAD_RULES for problem in rule(get, workloads)]


def _names(get: Get) -> Iterator[Problem]:
    namespace, domain = get("cdc_namespace"), get("cdc_cluster_domain")
    if isinstance(namespace, str) and not _LABEL.match(namespace):
        yield Problem(
            "namespace",
            "cdc_namespace must be 1 to 63 of a-z, 0-9 and -, such as data-ingestion",
            found=repr(namespace),
            remedy="choose another cdc_namespace",
        )
    elif namespace in _SYSTEM_NAMESPACES:
        yield Problem(
            "namespace",
            "cdc_namespace must be a namespace of the pipeline's own, since all traffic in it is denied but what the "
            "pipeline needs",
            found=namespace,
            remedy="choose another one, such as data-ingestion",
        )
    if isinstance(domain, str) and not _DOMAIN.match(domain):
        yield Problem(
            "name",
            "cdc_cluster_domain must be a domain in lower case",
            found=repr(domain),
            remedy="leave it at cluster.local, unless the cluster's administrator chose another one",
        )


def _node_ports(get: Get, workloads: Sequence[Workload]) -> Iterator[Problem]:
    if get("cdc_access") not in ("host_ports", "node_ports"):
        return
    taken: dict[int, str] = {}
    for item in node_ports(workloads):
        port, listener = item["port"], item["listener"]
        if not _LOWEST <= port <= _HIGHEST:
            yield Problem(
                "port",
                f"The node port {port} of {listener} is not one of {_LOWEST} to {_HIGHEST}",
                remedy="change it in cdc_endpoints, or lower the number of replicas",
            )
        elif port in taken:
            yield Problem(
                "port",
                f"The node port {port} is used twice",
                found=f"by {taken[port]} and {listener}",
                remedy="change one of them in cdc_endpoints, or lower the number of replicas",
            )
        taken[port] = listener


def _access(get: Get) -> Iterator[Problem]:
    access, provider, host = get("cdc_access"), get("cluster_provider"), get("cdc_external_host")
    fitting = {"host_ports": "kind", "routes": "openshift"}
    if provider and access in fitting and provider != fitting[access]:
        yield Problem(
            "access",
            f"cdc_access {access} needs cluster_provider {fitting[access]}",
            found=f"cluster_provider={provider}",
            remedy="set cdc_access to port_forward, or to node_ports with cdc_external_host",
        )
    if access == "node_ports" and host in _LOOPBACK:
        yield Problem(
            "access",
            "cdc_access is node_ports, and cdc_external_host is not the address of a node",
            found=f"cdc_external_host={host}",
            remedy="set cdc_external_host to the address of a node, or of what is in front of them; "
            "or set cdc_access to port_forward",
        )


def _clients(get: Get) -> Iterator[Problem]:
    access = get("cdc_access")
    if access in ("host_ports", "node_ports") and not get("cdc_network_clients"):
        yield Problem(
            "access",
            f"cdc_access is {access}, and cdc_network_clients names no permitted clients",
            remedy="set it to peers of a network policy, such as "
            "[{ipBlock: {cidr: 0.0.0.0/0, except: [10.244.0.0/16]}}] with the range of the cluster's pods",
        )


def _storage_classes(get: Get, workloads: Sequence[Workload]) -> Iterator[Problem]:
    classes = get("cdc_storage_classes")
    if not isinstance(classes, Mapping):
        return
    for name, value in classes.items():
        if value and not (isinstance(value, str) and _DOMAIN.match(value)):
            yield Problem(
                "storage",
                f"cdc_storage_classes.{name} must be the name of a storage class",
                found=repr(value),
                remedy="see `kubectl get storageclass`, or leave it empty for the cluster's default",
            )
    stated = {item.storage.storage_class for item in workloads if item.storage and item.storage.storage_class}
    # A server of the user's own has no volume here, nor has what is off. Its class may be named all the same.
    catalogue = get("cdc_catalogue") or ()
    own = {entry["role"] for entry in catalogue if entry.get("external")}
    off = {name for entry in catalogue if get(f"{entry['role']}_enabled") is False for name in entry["workloads"]}
    for name in sorted(set(classes) - stated - own - off):
        yield Problem(
            "storage",
            f"cdc_storage_classes: no workload names a class {name}",
            found=f"known are {', '.join(sorted(stated))}",
            remedy=did_you_mean(name, stated) or f"take {name} away",
        )


def _accounts(get: Get) -> Iterator[Problem]:
    known = [name for entry in get("cdc_catalogue") or () for name in entry["workloads"]]
    for name in get("cdc_account_annotations") or {}:
        if name not in known:
            yield Problem(
                "tenancy",
                f"cdc_account_annotations: there is no workload {name}",
                found=f"known are {', '.join(known)}",
                remedy=did_you_mean(name, known) or f"take {name} away",
            )


def _images(get: Get, workloads: Sequence[Workload]) -> Iterator[Problem]:
    without = [item.name for item in workloads if item.image is None]
    if get("images_source") == "public" and without:
        yield Problem(
            "images",
            f"There is no public image of {' and '.join(without)}",
            found="images_source=public",
            remedy="set images_source to built (and images_registry, unless the cluster is kind's), or name your own: "
            + ", ".join(f"{name.replace('-', '_')}_image" for name in without),
        )


_RULES: tuple[Callable[[Get], Iterator[Problem]], ...] = (_names, _access, _clients, _accounts)
_WORKLOAD_RULES: tuple[Callable[[Get, Sequence[Workload]], Iterator[Problem]], ...] = (
    _node_ports,
    _storage_classes,
    _images,
)
