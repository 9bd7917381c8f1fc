# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Prometheus' operator is told: made of Prometheus' own jobs, so that both watch the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._workload.kubernetes.manifests.labels import selector_labels
from ...module_utils._workload.kubernetes.pods import key_of

Object = dict[str, Any]
VERSION = "monitoring.coreos.com/v1"
# What holds a workload's files in a cluster, by the token that begins their path.
_HELD = {"@{config}": ("configMap", "config"), "@{secrets}": ("secret", "secrets")}
# Beside the file with a password, one with the username, which the operator reads from a secret as well.
USERNAME = ".username"


@dataclass(frozen=True)
class Told:
    """What all objects have in common.

    Attributes:
        labels: of each object.
        interval, timeout: seconds, of a scrape.
        workload: Prometheus, whose config map and secret hold the authorities and logins.
    """

    labels: Mapping[str, str]
    interval: int
    timeout: int
    workload: str = "prometheus"


def monitors(
    watched: Mapping[str, Sequence[Mapping[str, Any]]], jobs: Sequence[Mapping[str, Any]], told: Told
) -> list[Object]:
    """A PodMonitor for each job that scrapes a component, and a Probe for each that probes one.

    Args:
        watched: as the lookup `monitored` gives it.
        jobs: as the filter `scrape_configs` makes them of it.
    """
    peers = {each["component"]: each["peer"] for each in watched["scraped"]}
    probed = {f"probe-{each['component']}": each["peer"] for each in watched["probed"]}
    return [
        _probe(job, probed[job["job_name"]]["name"], told)
        if job["job_name"] in probed
        else _pod_monitor(job, peers[job["job_name"]], told)
        for job in jobs
    ]


def policies(
    watched: Mapping[str, Sequence[Mapping[str, Any]]], clients: Sequence[Mapping[str, Any]], labels: Mapping[str, str]
) -> list[Object]:
    """A NetworkPolicy for each workload with metrics, by which ``clients`` may ask for them; none without clients."""
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"monitoring-clients-to-{each['peer']['name']}", "labels": dict(labels)},
            "spec": {
                "podSelector": {"matchLabels": selector_labels(each["peer"]["name"])},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [dict(client) for client in clients], "ports": _ports(each["targets"])}],
            },
        }
        for each in watched["scraped"]
        if clients
    ]


def _ports(targets: Sequence[Mapping[str, str]]) -> list[Object]:
    numbers = sorted({int(target["address"].rpartition(":")[2]) for target in targets})
    return [{"protocol": "TCP", "port": number} for number in numbers]


def _pod_monitor(job: Mapping[str, Any], peer: Mapping[str, Any], told: Told) -> Object:
    endpoint = {
        "port": peer["ports"][0].replace("_", "-"),
        "path": job["metrics_path"],
        "scheme": job["scheme"],
        **_asked(job, told),
        "relabelings": [_fixed("job", job["job_name"]), *_of_pods(_targets(job))],
    }
    if "metric_relabel_configs" in job:
        endpoint["metricRelabelings"] = [_relabeling(rule) for rule in job["metric_relabel_configs"]]
    return _object(
        "PodMonitor",
        peer["name"],
        told,
        selector={"matchLabels": selector_labels(peer["name"])},
        podMetricsEndpoints=[endpoint],
        **_bound(job),
    )


def _probe(job: Mapping[str, Any], name: str, told: Told) -> Object:
    targets = _targets(job)
    (prober,) = [rule["replacement"] for rule in job["relabel_configs"] if rule["target_label"] == "__address__"]
    static: Object = {
        "static": [target["address"] for target in targets],
        "labels": {"component": targets[0]["component"]},
        "relabelingConfigs": [
            {
                **_fixed("replica", target["replica"]),
                "sourceLabels": ["instance"],
                "regex": re.escape(target["address"]),
            }
            for target in targets
        ],
    }
    spec: Object = {
        "jobName": job["job_name"],
        "prober": {"url": prober, "scheme": job["scheme"], "path": job["metrics_path"]},
        "module": job["params"]["module"][0],
        "targets": {"staticConfig": static},
        **_asked(job, told),
        **_bound(job),
    }
    if "metric_relabel_configs" in job:
        spec["metricRelabelings"] = [_relabeling(rule) for rule in job["metric_relabel_configs"]]
    return _object("Probe", name, told, **spec)


def _object(kind: str, name: str, told: Told, **spec: Any) -> Object:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": name, "labels": dict(told.labels)},
        "spec": spec,
    }


def _targets(job: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"address": address, **each["labels"]} for each in job["static_configs"] for address in each["targets"]]


def _of_pods(targets: Sequence[Mapping[str, str]]) -> Iterator[Object]:
    """Each pod is asked at the name that its certificate has, as by the pipeline's own Prometheus.

    The pods of a stateful set have the replicas' names. Of another workload there is one, whose pod has any name.
    """
    several = len(targets) > 1
    yield _fixed("component", targets[0]["component"])
    for target in targets:
        chosen = {"sourceLabels": ["__meta_kubernetes_pod_name"], "regex": target["replica"]} if several else {}
        yield {**_fixed("replica", target["replica"]), **chosen}
        yield {**_fixed("__address__", target["address"]), **chosen}


def _fixed(label: str, value: str) -> Object:
    return {"action": "replace", "targetLabel": label, "replacement": value}


def _relabeling(rule: Mapping[str, Any]) -> Object:
    return {"action": rule["action"], "sourceLabels": list(rule["source_labels"]), "regex": rule["regex"]}


def _asked(job: Mapping[str, Any], told: Told) -> Object:
    """When, as whom, and whom to trust."""
    found: Object = {"interval": f"{told.interval}s", "scrapeTimeout": f"{told.timeout}s"}
    if "tls_config" in job:
        kind, reference = _reference(job["tls_config"]["ca_file"], told.workload)
        found["tlsConfig"] = {"ca": {kind: reference}}
    if "basic_auth" in job:
        _kind, password = _reference(job["basic_auth"]["password_file"], told.workload)
        found["basicAuth"] = {"username": {**password, "key": password["key"] + USERNAME}, "password": password}
    return found


def _bound(job: Mapping[str, Any]) -> Object:
    return {"sampleLimit": job["sample_limit"]} if "sample_limit" in job else {}


def _reference(path: str, workload: str) -> tuple[str, Object]:
    """The kind of what holds a file of Prometheus, and where in it."""
    token, _slash, name = path.partition("/")
    kind, suffix = _HELD[token]
    return kind, {"name": f"{workload}-{suffix}", "key": key_of(name)}
