"""T8: PostgreSQL, the brokers, the registry and Connect stay within their memory together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.finding import Finding, Step
from cdc_pipeline.verify.units import mebibytes

_COUNTED = ("postgresql", "kafka", "schema_registry", "kafka_connect")


def judge_total(used: Mapping[str, int], limit_mib: int, measure: str = "resident memory") -> Finding:
    """Bytes of each component against the bound on their sum."""
    total = sum(used.values())
    each = ", ".join(f"{name} {mebibytes(value)}" for name, value in used.items())
    return Finding(
        "T8.memory",
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


STEPS = (Step("T8.memory", "memory", _memory, along=_COUNTED),)
