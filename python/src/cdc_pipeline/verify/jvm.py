"""Findings that brokers and Connect workers share: options, collection log and memory of a JVM on this host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.finding import Finding, equal
from cdc_pipeline.verify.gc_log import log_path, recent_pauses
from cdc_pipeline.verify.processes import Process, memory_of
from cdc_pipeline.verify.units import mebibytes, percentile


def missing_options(command: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """The options that do not stand on a command line."""
    return [option for option in wanted if option not in command]


def found_processes(context: Context, component: str) -> dict[int, Process]:
    """The component's processes by the port each listens on.

    Raises:
        LookupError: one is not to be seen.
    """
    ports = context.ports()[component]
    found = context.processes.listening(ports)
    absent = [port for port in ports if port not in found]
    if absent:
        raise LookupError(
            f"no process of {component} is to be seen on port {', '.join(map(str, absent))}: "
            "it is down, or belongs to another user (run verify as root)"
        )
    return found


def judge_jvm(id: str, name: str, processes: dict[int, Process], options: Iterable[str]) -> Iterator[Finding]:
    """The JVM options, and the pauses by the collection logs, of every process of a component."""
    lacking = {port: gone for port, process in processes.items() if (gone := missing_options(process.command, options))}
    yield equal(
        f"{id}.jvm_options",
        f"JVM options missing on the command line of {name}, of {' '.join(options)}",
        {},
        lacking,
        "Was the process started before the setting? Run its tag.",
    )
    values: list[float] = []
    unread = []
    for port, process in processes.items():
        path = log_path(process.command)
        try:
            values += recent_pauses(path) if path else []
        except OSError as error:
            unread.append(f"port {port}: {error}")
        if path is None:
            unread.append(f"port {port}: no -Xlog:gc*:file=")
    values.sort()
    shown = (
        f"{len(values)} pauses, p50 {percentile(values, 0.5):.1f} ms, p99 {percentile(values, 0.99):.1f} ms, "
        f"longest {values[-1]:.1f} ms"
        if values
        else "no pauses"
    )
    yield Finding(
        f"{id}.gc_log",
        f"garbage collection log of {name}",
        "a log with its pauses",
        "; ".join([shown, *unread]),
        not unread and bool(values),
        "The option -Xlog:gc*:file=... writes it.",
    )


def judge_memory(context: Context, id: str, name: str, processes: dict[int, Process], limit_mib: int) -> Finding:
    """Resident memory of all processes of a component against its bound."""
    used = {process.pid: memory_of(context.processes, process.pid) for process in processes.values()}
    each = " + ".join(mebibytes(value) for value in used.values())
    total = sum(used.values())
    return Finding(
        f"{id}.memory",
        f"resident memory of {name}",
        f"at most {limit_mib} MiB",
        f"{mebibytes(total)} ({each})" if len(used) > 1 else mebibytes(total),
        total <= limit_mib * 1024**2,
        "Lower its heap, or raise its limit.",
    )
