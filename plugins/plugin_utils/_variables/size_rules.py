# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules over sizes: limits that a row has to pass, and settings whose sum may not exceed a process's memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...module_utils._problem import Problem
from ...module_utils._sizes import (
    LEAST_ROW,
    MIB,
    MOST_ROW,
    ConnectSizes,
    RecordSizes,
    broker_heap,
    broker_limit,
    least_connect_limit,
    topic_segment,
)
from .units import mebibytes

Get = Callable[[str], Any]

_POSTGRESQL_BASE = 64
"""Mebibytes: of a server's own processes."""
_POSTGRESQL_SESSION = 4
"""Mebibytes: of a session beside `work_mem`."""
_BUSY_SESSIONS = 10
"""Sessions that sort at the same time; the others wait for their clients."""


def size_problems(get: Get) -> list[Problem]:
    """Everything that is wrong about sizes, given the value of each variable. A value that is None is not judged."""
    row = get("cdc_max_row_bytes")
    size = _bytes(row)
    problems = list(_postgresql(get))
    if row is None:
        return problems
    if size is None or not LEAST_ROW <= size <= MOST_ROW:
        return [
            *problems,
            Problem(
                "size",
                "cdc_max_row_bytes must be 1Mi to 256Mi",
                found=repr(row),
                remedy="write it as 16Mi, or in bytes. A row above it is archived, without its largest columns",
            ),
        ]
    return [
        *problems,
        *_retention(get),
        *_limits(get, size),
        *_connect(get, size),
        *_brokers(get, size),
        *_storage(get, size),
    ]


def _retention(get: Get) -> Iterator[Problem]:
    """Kafka does not know what is archived, so it may delete nothing of the captured tables' topics by itself."""
    config = get("kafka_topic_config") or {}
    remedies = {
        "retention.ms": "state kafka_topic_retention_hours: how long records stay that are archived",
        "retention.bytes": "state kafka_storage_size: what one broker may hold",
        "cleanup.policy": "write delete",
    }
    for key, remedy in remedies.items():
        value = config.get(key)
        if value is not None and str(value) != {"cleanup.policy": "delete"}.get(key, "-1"):
            yield Problem(
                "topics",
                f"kafka_topic_config: by {key}, Kafka would delete records that are not archived yet",
                found=repr(value),
                remedy=f"take it out, and {remedy}" if key != "cleanup.policy" else remedy,
            )


def _limits(get: Get, row: int) -> Iterator[Problem]:
    """A limit that somebody set below what a row needs would stop the connector at the first such row."""
    sizes = RecordSizes.of(row)
    brokers = {
        "message.max.bytes": sizes.batch,
        "socket.request.max.bytes": sizes.request,
        "log.segment.bytes": sizes.batch,
    }
    connector = {"producer.override.max.request.size": sizes.record, "producer.override.buffer.memory": sizes.record}
    topics = {"max.message.bytes": sizes.batch, "segment.bytes": sizes.batch}
    for name, needed in (
        ("kafka_settings", brokers),
        ("kafka_settings_extra", brokers),
        ("kafka_topic_config", topics),
        ("connectors_settings", connector),
        ("connectors_settings_extra", connector),
    ):
        for key, least in needed.items():
            value = _bytes((get(name) or {}).get(key))
            if value is not None and value < least:
                yield Problem(
                    "size",
                    f"{name}: {key} is below what a row of cdc_max_row_bytes needs",
                    found=f"{value}, and {least} are needed for {_text(row)}",
                    remedy=f"take {key} out of {name}, since it follows from cdc_max_row_bytes; or lower that",
                )
    settings = _connector(get)
    cut = _bytes(settings.get("transforms.lossless.max.bytes"))
    if cut is not None and cut > row:
        yield Problem(
            "size",
            "connectors_settings_extra: transforms.lossless.max.bytes is above cdc_max_row_bytes, from which the other "
            "limits follow",
            found=f"{cut} above {row}",
            remedy="take it out of connectors_settings_extra, and set cdc_max_row_bytes",
        )


def _connect(get: Get, row: int) -> Iterator[Problem]:
    memory = get("kafka_connect_memory")
    limit = _bytes(memory.get("limit")) if isinstance(memory, Mapping) else None
    if limit is None:
        return
    sinks = get("archive_engine") == "connect"
    sizes = ConnectSizes.of(limit, row, sinks)
    settings = _connector(get)
    queue = _bytes(settings.get("max.queue.size.in.bytes"))
    producer = _bytes(settings.get("producer.override.buffer.memory"))
    own = settings.get("snapshot.fetch.size")
    parts = {
        "the worker itself": sizes.base,
        "a row on its way (8 times cdc_max_row_bytes)": sizes.work,
        "what sink connectors fetch": sizes.sinks,
        "twice max.queue.size.in.bytes": 2 * (sizes.queue if queue is None else queue),
        "producer.override.buffer.memory": sizes.producer if producer is None else producer,
        # Whoever says how many rows knows how large they are.
        "the rows that a snapshot reads at a time": 0 if own else sizes.snapshot,
    }
    total = sum(parts.values())
    if total <= sizes.heap:
        return
    least = least_connect_limit(row, sinks)
    stated = [
        key for key, value in (("max.queue.size.in.bytes", queue), ("buffer.memory", producer)) if value is not None
    ]
    others = f", or take {' and '.join(stated)} out of connectors_settings_extra" if stated else ""
    yield Problem(
        "memory",
        "kafka_connect_memory.limit is too small for cdc_max_row_bytes and the connector's buffers",
        found=f"{_text(total)} ({_sum(parts)}) above {_text(sizes.heap)}, the heap of {memory['limit']}",
        remedy=f"raise kafka_connect_memory.limit to {_text(least)} or more, or lower cdc_max_row_bytes{others}",
    )


def _brokers(get: Get, row: int) -> Iterator[Problem]:
    heap, memory = mebibytes(get("kafka_heap"), java=True), get("kafka_memory")
    if heap is None:
        return
    if heap * MIB < broker_heap(row):
        needed = _text(broker_heap(row))
        yield Problem(
            "memory",
            "kafka_heap is too small for records of cdc_max_row_bytes",
            found=f"{get('kafka_heap')}, and {needed} are needed: requests of {_text(RecordSizes.of(row).batch)} each",
            remedy=f"raise kafka_heap to {needed.lower().removesuffix('i')} and kafka_memory with it, or lower "
            "cdc_max_row_bytes",
        )
    limit = _bytes(memory.get("limit")) if isinstance(memory, Mapping) else None
    # More than four fifths is refused for every JVM.
    if limit is not None and heap * MIB <= 0.8 * limit < 0.8 * broker_limit(int(heap * MIB), row):
        needed = _text(broker_limit(int(heap * MIB), row))
        yield Problem(
            "memory",
            "kafka_memory.limit is too small for kafka_heap and the buffers beside it",
            found=f"{memory['limit']}, and {needed} are needed with a heap of {get('kafka_heap')}",
            remedy=f"raise kafka_memory.limit to {needed}, or lower kafka_heap or cdc_max_row_bytes",
        )


def _storage(get: Get, row: int) -> Iterator[Problem]:
    """The newest segment of each partition stays, however much is archived. On one host the disk is shared anyway."""
    storage = _bytes(get("kafka_storage_size"))
    counts = [get(name) for name in ("kafka_topic_partitions", "kafka_replication_factor", "kafka_replicas")]
    topics = get("cdc_topics")
    if get("cdc_runtime") != "kubernetes" or storage is None or not topics:
        return
    if not all(isinstance(count, int) and count > 0 for count in counts):
        return
    partitions, factor, brokers = counts
    replicas = -(-len(topics) * partitions * factor // brokers)
    segment = topic_segment(storage, replicas, row)
    if replicas * segment > storage // 5 * 4:
        yield Problem(
            "storage",
            "kafka_storage_size is too small for the topics of the captured tables",
            found=f"{replicas} replicas on a broker, with a segment of {_text(segment)} each, which has to hold a row "
            f"of cdc_max_row_bytes, may take {_text(replicas * segment)}. Four fifths of {get('kafka_storage_size')} "
            "are theirs",
            remedy=f"raise kafka_storage_size to {_text(replicas * segment // 4 * 5)}, or lower "
            "kafka_topic_partitions or cdc_max_row_bytes",
        )


def _postgresql(get: Get) -> Iterator[Problem]:
    memory, settings = get("postgresql_memory"), get("postgresql_settings")
    if get("postgresql_managed") is False or not isinstance(memory, Mapping) or not isinstance(settings, Mapping):
        return
    limit = mebibytes(memory.get("limit"))
    settings = {**settings, **(get("postgresql_settings_extra") or {})}
    shared, work, maintenance, connections = (
        _postgresql_mebibytes(settings.get(name))
        for name in ("shared_buffers", "work_mem", "maintenance_work_mem", "max_connections")
    )
    if limit is None or None in (shared, work, maintenance, connections):
        return
    parts = {
        "shared_buffers": shared,
        f"{_BUSY_SESSIONS} times work_mem": _BUSY_SESSIONS * work,
        "maintenance_work_mem": maintenance,
        f"{_POSTGRESQL_SESSION} MiB for each of max_connections": _POSTGRESQL_SESSION * connections,
        "the server": _POSTGRESQL_BASE,
    }
    total = sum(parts.values())
    if total > limit:
        in_bytes = {name: int(size * MIB) for name, size in parts.items()}
        yield Problem(
            "memory",
            "postgresql_memory.limit is too small for postgresql_settings",
            found=f"{total:.0f}Mi ({_sum(in_bytes)}) above {memory['limit']}",
            remedy="raise postgresql_memory.limit, or lower shared_buffers or max_connections",
        )


def _connector(get: Get) -> dict[str, Any]:
    return {**(get("connectors_settings") or {}), **(get("connectors_settings_extra") or {})}


def _bytes(amount: Any) -> int | None:
    """Bytes; None for what is no amount, or for a template that is not filled in here."""
    size = None if amount is None else mebibytes(amount)
    return None if size is None else int(size * MIB)


def _postgresql_mebibytes(amount: Any) -> float | None:
    """An amount as PostgreSQL writes it, of which a number alone is itself."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)?\s*\Z", str(amount))
    if not match:
        return None
    return float(match[1]) * {"kB": 1 / 1024, "MB": 1, "GB": 1024, "TB": 1024**2, None: 1}[match[2]]


def _text(size: int) -> str:
    return f"{-(-size // MIB)}Mi"


def _sum(parts: Mapping[str, int]) -> str:
    return " + ".join(f"{_text(size)} {name}" for name, size in parts.items() if size)
