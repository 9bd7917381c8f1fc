# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Prometheus is told of what it watches, in the words of its configuration and the blackbox exporter's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Job = dict[str, Any]
PROBES = "probes"


@dataclass(frozen=True)
class Bounds:
    """What of the samples is kept.

    Attributes:
        samples: most that a target may have; it fails if it has more.
        dropped: names that are dropped, as a regular expression; empty for none.
        kept: names that alone are kept, by component; those of all probes are in :data:`PROBES`.
    """

    samples: int = 0
    dropped: str = ""
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)


def scrape_configs(
    watched: Mapping[str, Sequence[Mapping[str, Any]]],
    logins: Mapping[str, str],
    passwords: str,
    blackbox: str,
    bounds: Bounds,
) -> list[Job]:
    """The list `scrape_configs`: a job for each component that has metrics, and one for the probes of each.

    Args:
        watched: as the lookup `monitored` gives it.
        logins: usernames by the name of the credential; empty where nobody signs in.
        passwords: folder with a file for each credential.
        blackbox: the component that probes.
    """
    scraped = {each["component"]: each for each in watched["scraped"]}
    jobs = [{**_job(each, logins, passwords), **_bound(bounds, name)} for name, each in scraped.items()]
    prober = scraped.get(blackbox)
    if prober is None:
        return jobs
    return jobs + [{**_probes(each, prober, logins, passwords), **_bound(bounds, PROBES)} for each in watched["probed"]]


def _bound(bounds: Bounds, name: str) -> Job:
    rules = [_rule("drop", bounds.dropped)] if bounds.dropped else []
    rules += [_rule("keep", "|".join(bounds.kept[name]))] if bounds.kept.get(name) else []
    return {
        **({"sample_limit": bounds.samples} if bounds.samples else {}),
        **({"metric_relabel_configs": rules} if rules else {}),
    }


def _rule(action: str, names: str) -> Job:
    return {"source_labels": ["__name__"], "regex": names, "action": action}


def _job(entry: Mapping[str, Any], logins: Mapping[str, str], passwords: str) -> Job:
    return {
        "job_name": entry["component"],
        **_client(entry, logins, passwords),
        "metrics_path": entry["path"],
        "static_configs": _static(entry),
    }


def _probes(entry: Mapping[str, Any], prober: Mapping[str, Any], logins: Mapping[str, str], passwords: str) -> Job:
    return {
        "job_name": f"probe-{entry['component']}",
        **_client(prober, logins, passwords),
        "metrics_path": "/probe",
        "params": {"module": [entry["component"]]},
        "static_configs": _static(entry),
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": prober["targets"][0]["address"]},
        ],
    }


def _client(entry: Mapping[str, Any], logins: Mapping[str, str], passwords: str) -> Job:
    found: Job = {"scheme": entry["scheme"]}
    if entry["scheme"] == "https" and entry["ca"]:
        found["tls_config"] = {"ca_file": entry["ca"]}
    if entry["login"] in logins:
        found["basic_auth"] = {"username": logins[entry["login"]], "password_file": f"{passwords}/{entry['login']}"}
    return found


def _static(entry: Mapping[str, Any]) -> list[Job]:
    labels = {"component": entry["component"]}
    return [
        {"targets": [target["address"]], "labels": {**labels, "replica": target["replica"]}}
        for target in entry["targets"]
    ]


def probe_modules(watched: Mapping[str, Sequence[Mapping[str, Any]]], seconds: int) -> dict[str, Any]:
    """The map `modules` of the blackbox exporter: how each component is probed, and for at most how many seconds.

    Args:
        watched: as the lookup `monitored` gives it.
    """
    return {each["component"]: {"timeout": f"{seconds}s", **_module(each)} for each in watched["probed"]}


def _module(entry: Mapping[str, Any]) -> dict[str, Any]:
    trusted = {"tls_config": {"ca_file": entry["ca"]}} if entry["ca"] else {}
    if entry["module"] == "http":
        # A worker of Kafka Connect answers only for a name that is in its certificate, as an address is not.
        named = {"headers": {"Host": "localhost"}} if trusted else {}
        # Where names of hosts lead to several addresses, the first one that the system gives counts.
        return {
            "prober": "http",
            "http": {"preferred_ip_protocol": "ip4", "valid_status_codes": [200], **named, **trusted},
        }
    tls = {"tls": True, **trusted} if entry["module"] == "tls" else {}
    return {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4", **tls}}
