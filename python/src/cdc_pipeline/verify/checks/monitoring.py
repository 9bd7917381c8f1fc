"""T13: everything is watched, and what dashboards and alerts rely on is measured."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.dashboards.model import Has
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.right import Right
from cdc_pipeline.units import mebibytes
from cdc_pipeline.verify.http_rights import judge_rights
from cdc_pipeline.verify.relied import relied_on
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_TAG = "Run the tag monitoring."
# Scrapes of targets that have just been started, before the state of each is known.
_ROUNDS = 3
_PAUSE = 1.0
_NOTIFIED = "15m"
# Who is told nothing, and the service that misses the calls when alerts are sent no more.
_OWN_RECEIVERS = {"nobody", "dead-man"}
# Prometheus' year has 365 days.
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


@dataclass(frozen=True)
class Monitoring:
    """What is expected of the role.

    Attributes:
        rights, alertmanager_rights: of the logins at Prometheus and at Alertmanager, where everybody signs in.
        targets: how many Prometheus scrapes or has probed.
        retention_time, retention_size: as Prometheus takes them.
        memory_mib: bound on everything that watches.
        receivers: names of those who are told of alerts.
        workloads: what that is, as endpoints are named; none: nothing is watched.
        encrypted, archive, host, java: as of :func:`.relied.relied_on`.
        runbooks: a URL to which the name of an alert and .md are added.
    """

    rights: tuple[Right, ...] = ()
    alertmanager_rights: tuple[Right, ...] = ()
    targets: int = 0
    retention_time: str = "15d"
    retention_size: str = "1GB"
    memory_mib: int = 256
    canary_seconds: float = 10.0
    scrape_seconds: int = 30
    receivers: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    encrypted: bool = False
    archive: bool = True
    host: bool = True
    java: bool = True
    runbooks: str = ""

    @property
    def has(self) -> tuple[Has, ...]:
        """What of the dashboards is there."""
        return tuple(each for each in Has if getattr(self, each.value))

    @property
    def patience(self) -> float:
        """Seconds until every target was scraped, though it was started just now."""
        return float(_ROUNDS * self.scrape_seconds)

    @property
    def oldest(self) -> float:
        """Seconds since the commit of the newest canary in Kafka, as Prometheus may see it while all is well."""
        return 3 * self.canary_seconds + self.scrape_seconds + 5.0


def judge_targets(targets: Iterable[Mapping[str, Any]], wanted: int) -> Iterator[Finding]:
    """``targets``: as Prometheus' API lists those that are active."""
    every = list(targets)
    yield equal("monitoring.targets.all", "targets of Prometheus", wanted, len(every), _TAG)
    down = {
        f"{each['labels'].get('job', '')} {each['labels'].get('instance', '')}": each.get("lastError") or each["health"]
        for each in every
        if each["health"] != "up"
    }
    hint = "Check {cdc} status, then {cdc} logs of the component; prometheus' own page Targets has the same."
    yield equal("monitoring.targets.up", f"targets that cannot be scraped, of {len(every)}", {}, down, hint)


def judge_metrics(wanted: Iterable[str], found: Iterable[str]) -> Finding:
    """Every metric that is relied on has data."""
    names = tuple(wanted)
    missing = sorted(set(names) - set(found))
    what = f"metrics without data, of {len(names)} that dashboards and alerts rely on"
    return equal("monitoring.metrics", what, [], missing, "Is the target up that has it? " + _TAG)


def judge_canary(age: float | None, oldest: float) -> Finding:
    """``age``: seconds since the commit of the newest canary that has come to Kafka; None where it is not known."""
    return Finding(
        "monitoring.canary",
        "time since the commit of the newest canary in Kafka",
        f"at most {oldest:.0f} s",
        "not known" if age is None else f"{age:.1f} s",
        age is not None and age <= oldest,
        "Does the connector run? {cdc} status says what is stuck; {cdc} logs monitor says what the canary failed with.",
    )


def judge_retention(flags: Mapping[str, str], time: str, size: str) -> Finding:
    """``flags``: as Prometheus' API gives them, in words of its own: 2w for 14d, and GiB for what it calls GB."""
    found = {name: flags.get(f"storage.tsdb.retention.{name}", "") for name in ("time", "size")}
    good = _seconds(found["time"]) == _seconds(time) and _bytes(found["size"]) == _bytes(size)
    return Finding("monitoring.retention", "what Prometheus keeps", {"time": time, "size": size}, found, good, _TAG)


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[ywdhms])", text))


def _bytes(text: str) -> int:
    parts = re.fullmatch(r"(\d+)([KMGTPE]?)i?B", text.strip(), re.IGNORECASE)
    return -1 if parts is None else int(parts[1]) << 10 * " KMGTPE".index(parts[2].upper() or " ")


def judge_memory(used: Mapping[str, int], most_mib: int, measure: str) -> Finding:
    """Bytes of each workload against the bound on all."""
    total = sum(used.values())
    each = ", ".join(f"{name} {mebibytes(value)}" for name, value in used.items())
    return Finding(
        "monitoring.memory",
        f"{measure} of what watches",
        f"at most {most_mib} MiB together",
        f"{mebibytes(total)}: {each}",
        total <= most_mib * 1024**2,
        "monitoring_topics_most and monitoring_groups bound what is watched; monitoring_memory_mib allows more.",
    )


def judge_alertmanagers(active: Iterable[Mapping[str, Any]]) -> Finding:
    """``active``: as Prometheus' API lists those to whom it sends alerts."""
    found = [str(each["url"]) for each in active]
    hint = "Does alertmanager run? {cdc} status; prometheus' log says why it does not send: {cdc} logs prometheus."
    return equal("monitoring.alertmanagers", "Alertmanagers that Prometheus sends alerts to", 1, len(found), hint)


def judge_receivers(found: Iterable[str], wanted: Iterable[str]) -> Finding:
    """``found``: names of Alertmanager's receivers."""
    own = sorted(set(found) - _OWN_RECEIVERS)
    return equal("monitoring.receivers", "receivers of alerts", sorted(wanted), own, _TAG)


def judge_notifications(failed: Mapping[str, float]) -> Finding:
    """``failed``: notifications that failed of late, by the way that they went."""
    what = f"notifications of alerts that failed within {_NOTIFIED}"
    hint = "The log names the receiver and the reason: {cdc} logs alertmanager."
    return equal(
        "monitoring.notifications", what, {}, {way: round(count) for way, count in failed.items() if count}, hint
    )


def _expected(context: Context) -> Monitoring:
    return context.plan.expectations("monitoring", Monitoring)


def _get(context: Context, path: str, **parameters: str) -> Any:
    answer = context.prometheus.get(f"/api/v1/{path}", params=parameters)
    answer.raise_for_status()
    return answer.json()["data"]


def _query(context: Context, query: str) -> list[dict[str, Any]]:
    return list(_get(context, "query", query=query)["result"])


def _targets(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if not expected.workloads:
        return
    found = wait_for(
        lambda: list(_get(context, "targets", state="active")["activeTargets"]),
        lambda targets: bool(targets) and all(each["health"] == "up" for each in targets),
        expected.patience,
        _PAUSE,
    )
    yield from judge_targets(found, expected.targets)


def _metrics(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if not expected.workloads:
        return
    wanted = relied_on(expected.encrypted, expected.archive, expected.host, expected.java)
    query = f'count by (__name__) ({{__name__=~"{"|".join(wanted)}"}})'
    read = functools.partial(_query, context, query)
    found = wait_for(read, lambda series: len(series) >= len(wanted), expected.patience, _PAUSE)
    yield judge_metrics(wanted, [each["metric"]["__name__"] for each in found])


def _canary(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if not expected.workloads:
        return

    def read() -> float | None:
        # Only where one has come since the service was started does the time say anything.
        query = "time() - (cdc_canary_commit_timestamp_seconds and on(instance) cdc_canary_seen_total > 0)"
        return next((float(each["value"][1]) for each in _query(context, query)), None)

    age = wait_for(read, lambda found: found is not None and found <= expected.oldest, expected.patience, _PAUSE)
    yield judge_canary(age, expected.oldest)


def _kept(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if expected.workloads:
        yield judge_retention(_get(context, "status/flags"), expected.retention_time, expected.retention_size)


def _memory(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if expected.workloads:
        servers = context.servers
        used = {name: sum(server.memory() for server in servers.of(name)) for name in expected.workloads}
        yield judge_memory(used, expected.memory_mib, servers.measure)


def _told(context: Context) -> Iterator[Finding]:
    expected = _expected(context)
    if not expected.workloads:
        return
    read = functools.partial(_get, context, "alertmanagers")
    found = wait_for(lambda: read()["activeAlertmanagers"], bool, expected.patience, _PAUSE)
    yield judge_alertmanagers(found)
    answer = context.alertmanager.get("/api/v2/receivers").raise_for_status()
    yield judge_receivers([each["name"] for each in answer.json()], expected.receivers)
    query = f"sum by (integration) (increase(alertmanager_notifications_failed_total[{_NOTIFIED}]))"
    yield judge_notifications(
        {each["metric"]["integration"]: float(each["value"][1]) for each in _query(context, query)}
    )


def _rights(context: Context) -> Iterator[Finding]:
    where = context.plan.endpoints.monitoring
    if where is not None:
        expected, told = _expected(context), where.alertmanager
        logins = {"": None, "reader": where.reader, "operator": told.operator}
        yield from judge_rights("monitoring", "Prometheus", where.url, where.ca, logins, expected.rights, "monitoring")
        rights = expected.alertmanager_rights
        yield from judge_rights("monitoring.alerts", "Alertmanager", told.url, told.ca, logins, rights, "monitoring")


STEPS = (
    Step("monitoring.targets", "monitoring", _targets, "T13", ("targets.all", "targets.up")),
    Step("monitoring.metrics", "monitoring", _metrics, "T13", ("metrics",)),
    Step("monitoring.canary", "monitoring", _canary, "T13", ("canary",)),
    Step("monitoring.retention", "monitoring", _kept, "T13", ("retention",)),
    Step("monitoring.memory", "monitoring", _memory, "T13", ("memory",)),
    Step("monitoring.alertmanagers", "monitoring", _told, "T13", ("alertmanagers", "receivers", "notifications")),
    Step(
        "monitoring.rights",
        "monitoring",
        _rights,
        "T13",
        ("rights", "logins", "encrypted", "alerts.rights", "alerts.logins", "alerts.encrypted"),
    ),
)
