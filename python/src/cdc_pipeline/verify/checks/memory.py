"""T8: PostgreSQL, the brokers, the registry and Connect stay within their memory together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding
from cdc_pipeline.units import mebibytes
from cdc_pipeline.verify.checks.pods import memory_of
from cdc_pipeline.verify.step import Step

_COUNTED = ("postgresql", "kafka", "schema_registry", "kafka_connect")


def judge_total(used: Mapping[str, int], limit_mib: int, measure: str = "resident memory") -> Finding:
    """Bytes of each component against the bound on their sum."""
    total = sum(used.values())
    each = ", ".join(f"{name} {mebibytes(value)}" for name, value in used.items())
    return Finding(
        "memory.total",
        f"{measure} of PostgreSQL, brokers, registry and Connect",
        f"at most {limit_mib} MiB together",
        f"{mebibytes(total)}: {each}",
        total <= limit_mib * 1024**2,
        "Lower kafka_heap or the limit of kafka_connect_memory.",
    )


def _memory(context: Context) -> Iterator[Finding]:
    servers = context.servers
    # A PostgreSQL elsewhere does not count here.
    names = [name for name in _COUNTED if name != "postgresql" or servers.runs("postgresql")]
    used = {name: sum(server.memory() for server in servers.of(name)) for name in names}
    yield judge_total(used, context.plan.expected.memory.total_mib, servers.measure)


def judge_requests(requests: Mapping[str, int | None], limits: Mapping[str, int | None], total_mib: int) -> Finding:
    """Bytes that the components' pods ask for and are limited to, against the bound on what they ask for."""
    asked, most = (sum(value or 0 for value in each.values()) for each in (requests, limits))
    each = ", ".join(f"{name} {_amount(value)}" for name, value in requests.items())
    limit = "no limit for all" if None in limits.values() else f"limits {mebibytes(most)}"
    return Finding(
        "memory.requests",
        "memory requests of PostgreSQL, brokers, registry and a Connect worker",
        f"at most {total_mib} MiB together",
        f"{mebibytes(asked)}: {each}; {limit}",
        asked <= total_mib * 1024**2 and None not in requests.values(),
        "Lower the requests of postgresql_memory, kafka_memory, schema_registry_memory, kafka_connect_memory.",
    )


def _amount(value: int | None) -> str:
    return "none" if value is None else mebibytes(value)


def _requests(context: Context) -> Iterator[Finding]:
    asked: dict[str, dict[str, int | None]] = {"requests": {}, "limits": {}}
    for name in _COUNTED:
        # The bound is for one Connect worker; each further one brings its own.
        pods = context.cluster.pods(name.replace("_", "-"))[: 1 if name == "kafka_connect" else None]
        for kind, found in asked.items():
            values = [memory_of(pod, kind) for pod in pods]
            found[name] = None if None in values else sum(value or 0 for value in values)
    yield judge_requests(asked["requests"], asked["limits"], context.plan.expected.memory.total_mib)


STEPS = (
    Step("memory.total", "memory", _memory, "T8", ("total",), along=_COUNTED),
    Step("memory.requests", "memory", _requests, "T8", ("requests",), cluster=True, along=_COUNTED),
)
