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

import httpx
import obstore
import pytest
from cdc_pipeline.archive import budget
from cdc_pipeline.archive.budget import MIB
from cdc_pipeline.supervise.cgroup import Bound, bound_for, enter
from confluent_kafka import Producer

sys.path.insert(0, str(Path(__file__).parent))
from lab import Lab, Process

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
        self._producer = Producer(
            {
                "bootstrap.servers": lab._kafka["bootstrap_servers"],
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
            from lab import SCHEMAS

            value = self._lab._encode(SCHEMAS[0], schema_id, row)
            if bad:
                value += b"\0"
            while True:
                try:
                    self._producer.produce(self._lab.topic, value=value, key=b"%d" % number, partition=i % partitions)
                    break
                except BufferError:
                    self._producer.poll(0.2)
            self._producer.poll(0)
            self.rows += not bad
            self.bad += bad
            self.bytes += len(text)
        self._producer.commit_transaction(60)


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
    limit = limit or tightest(lab._kafka["bootstrap_servers"].count(",") + 1)
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
