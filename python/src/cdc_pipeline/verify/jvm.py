"""Findings that brokers and Connect workers share: options, collection log and memory of a JVM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.servers import Server
from cdc_pipeline.units import mebibytes, percentile
from cdc_pipeline.verify.gc_log import log_path, recent_pauses


def missing_options(command: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """The options that do not stand on a command line."""
    return [option for option in wanted if option not in command]


def judge_jvm(prefix: str, name: str, servers: Sequence[Server], options: Iterable[str]) -> Iterator[Finding]:
    """The JVM options, and the pauses by the collection logs, of every server of a component."""
    lacking = {server.place: gone for server in servers if (gone := missing_options(server.command, options))}
    yield equal(
        f"{prefix}.jvm_options",
        f"JVM options missing on the command line of {name}, of {' '.join(options)}",
        {},
        lacking,
        "Was the process started before the setting? Run its tag.",
    )
    values: list[float] = []
    unread = []
    for server in servers:
        path = log_path(server.command)
        try:
            values += recent_pauses(server, path) if path else []
        except OSError as error:
            unread.append(f"{server.place}: {error}")
        if path is None:
            unread.append(f"{server.place}: no -Xlog:gc*:file=")
    values.sort()
    shown = (
        f"{len(values)} pauses, p50 {percentile(values, 0.5):.1f} ms, p99 {percentile(values, 0.99):.1f} ms, "
        f"longest {values[-1]:.1f} ms"
        if values
        else "no pauses"
    )
    yield Finding(
        f"{prefix}.gc_log",
        f"garbage collection log of {name}",
        "a log with its pauses",
        "; ".join([shown, *unread]),
        not unread and bool(values),
        "The option -Xlog:gc*:file=... writes it.",
    )


def judge_memory(context: Context, prefix: str, name: str, servers: Sequence[Server], limit_mib: int) -> Finding:
    """Memory of all servers of a component against its bound."""
    used = [server.memory() for server in servers]
    each = " + ".join(mebibytes(value) for value in used)
    total = sum(used)
    return Finding(
        f"{prefix}.memory",
        f"{context.servers.measure} of {name}",
        f"at most {limit_mib} MiB",
        f"{mebibytes(total)} ({each})" if len(used) > 1 else mebibytes(total),
        total <= limit_mib * 1024**2,
        "Lower its heap, or raise its limit.",
    )
