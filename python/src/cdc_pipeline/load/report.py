"""The result of a load test as figures, as a table, and judged."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, TextIO

from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.load.ledger import spread
from cdc_pipeline.load.parts import STARTS, Part, cpu_per_event, divide
from cdc_pipeline.load.run import Result
from cdc_pipeline.load.sampler import OWN, between, peaks, used

REQUIREMENTS = {
    "load.sent": "T8",
    "load.memory": "T8",
    "load.kafka_lost": "T12",
    "load.kafka_duplicates": "T12",
    "load.latency": "T12",
    "load.objects_lost": "T12",
    "load.objects_duplicates": "T12",
    "load.flush_rule": "T10",
}
"""What each check of the load proves, see docs/requirements.md."""
_COUNTED = ("postgresql", "kafka", "schema_registry", "kafka_connect")
# The store tells when an object was written in whole seconds, rounded up here, and a PUT takes its time.
_OBJECT_SLACK = 5.0
_SETTLE = 5.0


def figures(result: Result) -> dict[str, Any]:
    """All figures, ready for JSON. Latencies in seconds.

    ``cold`` are those of the load's first seconds (None where there are none), ``warm`` those of the rest.
    """
    settings = result.settings
    cold, warm = divide(result.sent, result.begin, settings.warmup, result.consumed)
    return {
        "measured_at": datetime.fromtimestamp(result.begin, UTC).isoformat(timespec="seconds"),
        "machine": {**machine(), "load_average_before": result.load_average},
        "load": {
            "rate": settings.rate,
            "start": settings.start,
            "cold_seconds": settings.warmup,
            "warm_seconds": settings.seconds,
            "events_per_transaction": settings.size,
            "events_sent": len(result.sent) * settings.size,
            "stopped_early": result.stopped,
        },
        "cold": _part(result, cold) if settings.warmup else None,
        "warm": _part(result, warm),
        "exactly_once": {
            "kafka": asdict(result.kafka_counts),
            "objects": asdict(result.objects_counts) if result.objects_counts else None,
            "positions_in_more_than_one_row": result.archived.doubled if result.archived else None,
        },
        "objects": {
            "tiles": result.archived.tiles,
            "rows": result.archived.rows,
            "bytes": result.archived.bytes,
            "flushed_by_hand": result.flushed,
        }
        if result.archived
        else None,
        # The pipeline at rest, while the last objects are waited for: what of the above is not the load's.
        "idle_cores": _idle(result),
        "memory_peak_mib": {name: round(value / 1024**2) for name, value in peaks(result.samples).items()},
        "slot_lag_peak_bytes": max((each.slot_lag or 0 for each in result.samples), default=0),
    }


def _part(result: Result, part: Part) -> dict[str, Any]:
    """The figures of one part. Latencies are those of the events that were due in it, whenever they arrived."""
    settings, sent = result.settings, part.sent
    # From the first transaction's time to when the next after the last would have been due.
    took = max((each.committed for each in sent), default=part.begin) - part.begin + settings.size / settings.rate
    cost = cpu_per_event(result.samples, result.kafka, part)
    return {
        "events": len(sent) * settings.size,
        "events_per_second": round(len(sent) * settings.size / took, 1),
        "sent_after_due_seconds": spread([each.started - each.intended for each in sent]),
        "latency_seconds": {
            "commit_to_kafka": spread(result.kafka.latencies(sent)),
            "due_to_kafka": spread(result.kafka.latencies(sent, intended=True)),
            "commit_to_object": spread(result.objects.latencies(sent)) if result.archived else {},
            "kafka_to_object": spread(result.objects.after(result.kafka, sent)) if result.archived else {},
        },
        "cpu_us_per_event": {name: round(seconds * 1e6, 1) for name, seconds in cost.items()},
    }


def _idle(result: Result) -> dict[str, float]:
    """Cores of each component once all events are in Kafka; nothing when that was too short to tell."""
    begin, end = result.consumed + _SETTLE, result.samples[-1].time
    if end - begin < _SETTLE:
        return {}
    first, last = between(result.samples, begin, end)
    taken = last.time - first.time
    return {name: round(value / taken, 3) for name, value in used(first, last).items()} if taken > 0 else {}


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 1024**3, 1),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def judge(data: dict[str, Any], plan: Plan, goal_p99: float) -> list[Finding]:
    """The figures against what is promised."""
    kafka, objects = data["exactly_once"]["kafka"], data["exactly_once"]["objects"]
    load, warm = data["load"], data["warm"]
    latency = warm["latency_seconds"]
    p99 = latency["commit_to_kafka"].get("p99")
    memory = sum(data["memory_peak_mib"].get(name, 0) for name in _COUNTED)
    total, flush = plan.expected.memory.total_mib, plan.expected.archive.flush_seconds
    found = [
        Finding(
            "load.sent",
            "the load was sent at its rate",
            load["rate"],
            warm["events_per_second"],
            not load["stopped_early"] and warm["events_per_second"] >= 0.98 * load["rate"],
            load["stopped_early"] or "The database or this machine is too slow for this rate.",
        ),
        equal("load.kafka_lost", "changes lost on the way to Kafka", 0, kafka["lost"]),
        equal("load.kafka_duplicates", "changes twice in Kafka", 0, kafka["duplicates"]),
        Finding(
            "load.latency",
            "p99 of commit to consumable in Kafka when warm, seconds",
            f"below {goal_p99:g}",
            p99,
            p99 is not None and p99 < goal_p99,
            f"See which process takes the time. {_busy(data)}".strip(),
        ),
    ]
    if objects is not None:
        longest = latency["commit_to_object"].get("max")
        doubled = objects["duplicates"] + data["exactly_once"]["positions_in_more_than_one_row"]
        in_time = longest is not None and longest <= flush + _OBJECT_SLACK
        found += [
            equal("load.objects_lost", "changes lost on the way to Parquet", 0, objects["lost"]),
            equal("load.objects_duplicates", "changes twice in Parquet", 0, doubled),
            Finding(
                "load.flush_rule",
                "longest from commit to object, seconds",
                f"at most {flush + _OBJECT_SLACK:.0f}",
                longest,
                in_time and not data["objects"]["flushed_by_hand"],
                "If kafka to object is within the rule, the changes came late to Kafka; else see the archive's log.",
            ),
        ]
    if all(name in data["memory_peak_mib"] for name in _COUNTED):
        what = "peak memory of PostgreSQL, brokers, registry and Connect, MiB"
        found.append(Finding("load.memory", what, f"at most {total}", memory, memory <= total))
    return [replace(each, requirement=REQUIREMENTS[each.id]) for each in found]


def _busy(data: dict[str, Any]) -> str:
    """That other work was in the way, where the load average says so."""
    before, cores = data.get("machine", {}).get("load_average_before", 0.0), data.get("machine", {}).get("cores", 1)
    return f"{before:.1f} processes wanted {cores} cores before the load began: other work was in the way." * (
        before > cores
    )


def print_figures(data: dict[str, Any], stream: TextIO) -> None:
    """Latencies and costs of the cold and of the warm part, aligned."""
    load, cold = data["load"], data["cold"]
    if cold:
        start = STARTS[load["start"]]
        what = f"cold: the first {load['cold_seconds']:g} s of the load" + (f", just after {start}" if start else "")
        _print_part(what, cold, load["rate"], stream)
    _print_part(f"warm: {load['warm_seconds']:g} s" + " after them" * bool(cold), data["warm"], load["rate"], stream)
    print(f"{'CPU µs/event':<22}{'cold':>9}{'warm':>9}{'peak MiB':>10}", file=stream)
    for name, memory in data["memory_peak_mib"].items():
        label = "load test itself" if name == OWN else name.replace("_", " ")
        costs = [(part or {}).get("cpu_us_per_event", {}).get(name) for part in (cold, data["warm"])]
        cells = "".join(f"{'-' if cost is None else format(cost, '.1f'):>9}" for cost in costs)
        print(f"{label:<22}{cells}{memory:>10}", file=stream)
    print(file=stream)


def _print_part(what: str, part: dict[str, Any], rate: float, stream: TextIO) -> None:
    sent = f"{part['events']} events at {part['events_per_second']} a second (asked for {rate:g})"
    print(f"{what}; {sent}", file=stream)
    print(f"{'seconds':<22}{'p50':>9}{'p95':>9}{'p99':>9}{'p99.9':>9}{'longest':>9}", file=stream)
    for name, values in part["latency_seconds"].items():
        if values:
            cells = "".join(f"{values[key]:>9.3f}" for key in ("p50", "p95", "p99", "p999", "max"))
            print(f"{name.replace('_', ' '):<22}{cells}", file=stream)
    print(file=stream)
