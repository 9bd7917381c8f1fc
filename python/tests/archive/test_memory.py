"""The service within a bound: rows of any size are archived, and the kernel kills nothing."""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest
from cdc_pipeline.archive import budget
from cdc_pipeline.archive.budget import MIB
from cdc_pipeline.supervise.cgroup import Bound, bound_for, enter

sys.path.insert(0, str(Path(__file__).parent))
from lab import SCHEMAS, Lab, Process

pytestmark = pytest.mark.integration

ROW = 16 * MIB
FULL = bool(os.environ.get("CDC_TEST_FULL"))


def tightest(brokers: int) -> int:
    """The smallest limit that is accepted for such rows."""
    limits = range(64 * MIB, 4096 * MIB, MIB)
    return next(limit for limit in limits if budget.plan(limit, ROW, brokers).total <= limit)


@pytest.fixture
def group() -> Iterator[Bound]:
    """A control group of the test's own."""
    found = bound_for("a-test", uuid.uuid4().hex[:8])
    if found is None or os.geteuid() != 0:
        pytest.skip("no memory controller, or no right to use it")
    yield found
    for _ in range(50):
        try:
            found.folder.rmdir()
            return
        except OSError:
            time.sleep(0.1)


class Writer:
    """Large rows into a lab's topic, in transactions."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._rng = random.Random(1)
        self._numbers = itertools.count()
        self._producer = lab.producer(
            {
                "transactional.id": f"{lab.name}-large",
                "compression.type": "lz4",
                "batch.size": 262_144,
                "message.max.bytes": 32 * MIB,
                "queue.buffering.max.kbytes": 65_536,
                "transaction.timeout.ms": 120_000,
            }
        )
        self._producer.init_transactions(30)
        self.rows = self.bad = 0
        self.bytes = 0

    def document(self, size: int) -> str:
        """JSON like that of an application: it compresses a few times."""
        rng, parts, length = self._rng, [], 0
        while length < size:
            part = {
                "id": rng.getrandbits(40),
                "name": f"item {rng.randrange(1000)}",
                "tags": ["new", "red"],
                "n": rng.random(),
            }
            parts.append(json.dumps(part))
            length += len(parts[-1])
        return "".join(parts)[:size]

    def transaction(self, texts: list[str], partitions: int, bad: bool = False) -> None:
        """``bad``: what cannot be decoded."""
        schema_id = self._lab.schema_ids()[0]
        self._producer.begin_transaction()
        for i, text in enumerate(texts):
            number = next(self._numbers)
            row = {"id": number, "text": text, "__op": "u", "__lsn": number}
            value = self._lab._encode(SCHEMAS[0], schema_id, row)
            self.produce(value + b"\0" if bad else value, i % partitions)
            self.rows += not bad
            self.bad += bad
        self._producer.commit_transaction(60)
        self._lab.until_visible()

    def shapes(self, schema: dict[str, Any], rows: list[dict[str, Any]], partitions: int, header: bytes) -> None:
        schema_id = self._lab._register("value", schema)
        self._producer.begin_transaction()
        for i, row in enumerate(rows):
            self.produce(self._lab._encode(schema, schema_id, row), i % partitions, header)
            self.rows += 1
        self._producer.commit_transaction(60)
        self._lab.until_visible()

    def produce(self, value: bytes, partition: int, header: bytes = b"") -> None:
        more = {"headers": {"trace": header}} if header else {}
        while True:
            try:
                self._producer.produce(self._lab.topic, value=value, key=b"key", partition=partition, **more)
                break
            except BufferError:
                self._producer.poll(0.2)
        self._producer.poll(0)
        self.bytes += len(value) + len(header)


def peak(bound: Bound, process: Process) -> str:
    """Peaks of the process and of its control group, which counts its files' pages too."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    resident = next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM"))
    for name in ("memory.max_usage_in_bytes", "memory.peak"):
        if (bound.folder / name).exists():
            return f"resident {resident} MiB, control group {int((bound.folder / name).read_text()) >> 20} MiB"
    return f"resident {resident} MiB"


@pytest.mark.parametrize("limit", [512 * MIB, None], ids=["512Mi", "the tightest"])
def test_rows_of_any_size_are_archived_within_its_memory(
    lab: Lab, group: Bound, limit: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    updates = 5 if limit is None else 20
    limit = limit or tightest(lab.kafka.bootstrap_servers.count(",") + 1)
    partitions = 3
    lab.topics(partitions=partitions, **{"max.message.bytes": str(2 * ROW)})
    lab.schema_ids()
    process = lab.start(
        enter=lambda: enter(group, limit),
        memory={"limit_bytes": limit},
        max_row_bytes=ROW,
        flush_records=1000,
        flush_seconds=60,
    ).ready()
    writer = Writer(lab)
    said = [f"at rest: {peak(group, process)}"]
    documents = [writer.document(96_000) for _ in range(20)]
    of_15_mb = writer.document(15_000_000)
    steps: list[tuple[str, list[list[str]]]] = [
        (f"{updates} updates of 200 rows of 96 kB", [documents * 10] * updates),
        ("one row of 15 MB", [[of_15_mb]]),
        ("20 dead letters of 5 MB", [[of_15_mb[:5_000_000]] * 20]),
        ("rows of 15 MB in each partition, and small ones", [[of_15_mb, "a", "b"] * partitions]),
        (
            f"{4000 if FULL else 400} rows of 480 kB in one transaction, which compress well",
            [["x" * 480_000] * (4000 if FULL else 400)],
        ),
        (
            f"{4000 if FULL else 200} rows of 480 kB in one transaction",
            [(["".join(documents[i : i + 5]) for i in range(15)] * 267)[: 4000 if FULL else 200]],
        ),
    ]
    for name, transactions in steps:
        began = time.monotonic()
        for texts in transactions:
            writer.transaction(texts, partitions, bad="dead letters" in name)
        try:
            answer = process.flush(300)
        except httpx.HTTPError as error:
            pytest.fail(f"{name}: {error!r} after {said}; killed for want of memory: {group.kills()}")
        said.append(f"{name}: {peak(group, process)}, {time.monotonic() - began:.1f} s")
        assert process.process.poll() is None and answer.json()["ok"], f"{said} {process.log.read_text()[-3000:]}"
    assert group.kills() == 0
    tiles = lab.tiles()
    assert sum(footer.rows for _, footer in tiles) == writer.rows
    assert sum(len(footer.rejected) for _, footer in tiles) == writer.bad == len(lab.dead_letters())
    largest = max(obstore.head(lab.store._client, key)["size"] for key, _ in tiles)
    assert process.terminate() == 0
    with capsys.disabled():
        print(f"\nwithin {limit >> 20} MiB: {writer.bytes >> 20} MiB, {len(tiles)} objects of at most {largest} bytes")
        print("\n".join(f"  {line}" for line in said))


def nullable(kind: Any, count: int) -> list[dict[str, Any]]:
    return [{"name": f"c{i}", "type": ["null", kind], "default": None} for i in range(count)]


def record(fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "record", "name": "Value", "namespace": "a.shape", "fields": fields}


# The registry takes a field without a default for no addition to what the lab has registered before.
UNION = {"name": "u", "type": ["null", "string", "long"], "default": None}
MAP = record(nullable({"type": "map", "values": "string"}, 1))
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], int, int]] = {
    "1600 columns that are null": (record(nullable("string", 1600)), {}, 4000, 0),
    "1600 numbers": (record(nullable("long", 1600)), {f"c{i}": i for i in range(1600)}, 4000, 0),
    "maps of 500 kB": (MAP, {"c0": {f"key {i}": f"value {i}" for i in range(25_000)}}, 60, 0),
    "maps of 15 MB": (MAP, {"c0": {f"key {i}": f"value {i}" for i in range(700_000)}}, 2, 0),
    "unions of 100 kB": (record([UNION]), {"u": "x" * 100_000}, 300, 0),
    "arrays of a million": (record(nullable({"type": "array", "items": "int"}, 1)), {"c0": [7] * 1_000_000}, 60, 0),
    "headers of 100 kB": (record(nullable("long", 1)), {"c0": 1}, 1500, 100_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_odd_shapes_are_archived_within_its_memory(
    lab: Lab, group: Bound, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, row, count, header = SHAPES[shape]
    lab.topics(partitions=24, **{"max.message.bytes": str(2 * ROW)})
    lab.schema_ids()
    process = lab.start(
        enter=lambda: enter(group, 512 * MIB),
        memory={"limit_bytes": 512 * MIB},
        max_row_bytes=ROW,
        flush_records=1000,
        flush_seconds=60,
    ).ready()
    writer = Writer(lab)
    row = {field["name"]: None for field in schema["fields"]} | row
    writer.shapes(schema, [row] * count, 2, bytes(header))
    writer.shapes(schema, [row] * count, 24, bytes(header))
    try:
        answer = process.flush(300)
    except httpx.HTTPError as error:
        pytest.fail(f"{error!r}; killed for want of memory: {group.kills()}")
    assert answer.json()["ok"], answer.text
    said = peak(group, process)
    assert group.kills() == 0 and sum(footer.rows for _, footer in lab.tiles()) == writer.rows
    with capsys.disabled():
        print(f"\n  {2 * count} rows, {shape}: {writer.bytes >> 20} MiB, {len(lab.tiles())} objects, {said}")
