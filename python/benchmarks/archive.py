"""What the archive costs: CPU-microseconds per event.

    python benchmarks/archive.py                                   decode and Parquet alone
    CDC_ENDPOINTS=endpoints.json python benchmarks/archive.py      the whole service too, with consuming and PUTs

The second fills a topic of its own, runs ``cdc-archive`` over it at a steady rate with 1,000-row objects, and reads the
process's CPU time. It removes what it made.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro

os.environ.setdefault("POLARS_MAX_THREADS", "2")  # as the service has it

ROWS = 1000
PARTITIONS = 24
FRAMED = b"\0\0\0\0\x01"
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Value",
    "namespace": "bench.orders",
    "fields": [
        {"name": "order_id", "type": "long"},
        {"name": "email", "type": "string"},
        {"name": "status", "type": ["null", "string"], "default": None},
        {
            "name": "total",
            "type": {
                "type": "bytes",
                "scale": 2,
                "precision": 12,
                "connect.name": "org.apache.kafka.connect.data.Decimal",
                "logicalType": "decimal",
            },
        },
        {"name": "created_at", "type": {"type": "string", "connect.name": "io.debezium.time.ZonedTimestamp"}},
        {"name": "__deleted", "type": ["null", "string"], "default": None},
        {"name": "__op", "type": ["null", "string"], "default": None},
        {"name": "__lsn", "type": ["null", "long"], "default": None},
        {"name": "__txId", "type": ["null", "long"], "default": None},
        {"name": "__ts_us", "type": ["null", "long"], "default": None},
    ],
}


def datums(count: int) -> list[bytes]:
    """Rows like those of an order table, about 120 bytes each, as Avro."""
    schema = fastavro.parse_schema(SCHEMA)
    out = []
    for i in range(count):
        row = {
            "order_id": i,
            "email": f"customer{i * 7919 % 100_003}@example.org",
            "status": ("paid", "shipped", None, "new")[i % 4],
            "total": Decimal(i % 90_000) / 100,
            "created_at": f"2024-05-{i % 28 + 1:02d}T{i % 24:02d}:{i % 60:02d}:07.{i % 10**6:06d}Z",
            "__deleted": "false",
            "__op": "c",
            "__lsn": 33_000_000 + i * 104,
            "__txId": 700 + i // 100,
            "__ts_us": 1_715_000_000_000_000 + i * 100,
        }
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema, row)
        out.append(body.getvalue())
    return out


def columnar(rounds: int) -> dict[str, float]:
    """Decode and Parquet alone, per event."""
    from cdc_pipeline.archive import parquet, rows, verdict
    from cdc_pipeline.archive.decode import Decoder
    from cdc_pipeline.archive.records import Records
    from cdc_pipeline.archive.tile import Footer, Source

    decoder = Decoder(SCHEMA)

    class Decoders:
        def decoder(self, schema_id: int) -> Decoder:
            return decoder

    values: list[bytes | None] = [FRAMED + d for d in datums(ROWS)]
    records = Records([None] * ROWS, values, list(range(ROWS)), [0] * ROWS)
    source = Source("bench", "id", 0)

    def decode() -> verdict.Verdict:
        return verdict.judge(rows.build(records, 1, source, Decoders()))

    frame = decode().frame
    footer = Footer(source, 0, ROWS, ROWS, schema_id=1)

    def cost(step: Any) -> float:
        for _ in range(20):
            step()
        began = time.process_time()
        for _ in range(rounds):
            step()
        return (time.process_time() - began) / rounds / ROWS * 1e6

    decoding, encoding = cost(decode), cost(lambda: parquet.encode(frame, footer))
    return {
        "decode_us": round(decoding, 2),
        "parquet_us": round(encoding, 2),
        "decode_and_parquet_us": round(decoding + encoding, 2),
        "bytes_per_row": round(len(parquet.encode(frame, footer)) / ROWS, 1),
    }


class Bench:
    """A topic, a schema and a prefix of its own on running servers."""

    def __init__(self, endpoints: dict[str, Any]) -> None:
        from cdc_pipeline.clients import http, kafka
        from cdc_pipeline.endpoints import KafkaEndpoint, Login

        self.name = f"a-bench-{uuid.uuid4().hex[:8]}"
        self.endpoints = endpoints
        self.kafka = KafkaEndpoint(**endpoints["kafka"])
        self.admin = kafka.admin(self.kafka)
        registry = endpoints["schema_registry"]
        self._registry = http.client(registry["url"], Login(**registry["writer"]), registry.get("ca", ""), seconds=30)
        self._subject = f"/subjects/{self.name}-value"

    def set_up(self) -> None:
        """Make the topic and register the schema."""
        from confluent_kafka.admin import NewTopic

        config = {"message.timestamp.type": "LogAppendTime", "compression.type": "lz4"}
        topics = [NewTopic(self.name, PARTITIONS, 1, config=config), NewTopic(self.name + ".dlq", 1, 1)]
        for future in self.admin.create_topics(topics).values():
            future.result(30)
        answer = self._registry.post(f"{self._subject}/versions", json={"schema": json.dumps(SCHEMA)})
        answer.raise_for_status()
        self.schema_id = answer.json()["id"]

    def produce(self, events: int, rate: float) -> None:
        """``events`` records at ``rate`` a second, in batches spread over the partitions as keyed records are."""
        from cdc_pipeline.clients import kafka

        head = b"\0" + self.schema_id.to_bytes(4, "big")
        bodies = itertools.cycle([head + d for d in datums(10_000)])
        producer = kafka.producer(
            self.kafka,
            {
                "linger.ms": 20,
                "batch.size": 262_144,
                "compression.type": "lz4",
                "enable.idempotence": True,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 262_144,
            },
        )
        began, sent = time.monotonic(), 0
        while sent < events:
            for _ in range(min(200, events - sent)):
                producer.produce(self.name, value=next(bodies), partition=sent % PARTITIONS)
                sent += 1
            producer.poll(0)
            ahead = sent / rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
        producer.flush(60)

    def config(self, folder: Path) -> Path:
        """The service's configuration, with its secrets in a file beside it."""
        registry, s3 = self.endpoints["schema_registry"], self.endpoints["object_store"]
        secrets = {
            "schema_registry": {"password": registry["reader"]["password"]},
            "object_store": {k: s3[k] for k in ("access_key_id", "secret_access_key")},
        }
        (folder / "secrets.json").write_text(json.dumps(secrets))
        config = {
            "group_id": self.name,
            "transactional_id_prefix": self.name,
            "instance_id": "bench",
            "topics": [self.name],
            "flush_records": ROWS,
            "http": {"port": 0},
            "kafka": {"bootstrap_servers": self.kafka.bootstrap_servers, "properties": dict(self.kafka.client)},
            "schema_registry": {
                "url": registry["url"],
                "username": registry["reader"]["username"],
                "ca_file": registry.get("ca"),
            },
            "object_store": {k: s3[k] for k in ("endpoint_url", "region", "bucket")}
            | {"prefix": f"a-bench/{self.name}", "ca_file": s3.get("ca")},
            "secrets_file": "secrets.json",
        }
        path = folder / "archive.json"
        path.write_text(json.dumps(config))
        return path

    def tear_down(self) -> None:
        """Remove all of it."""
        import obstore
        from cdc_pipeline.clients import s3
        from cdc_pipeline.endpoints import ObjectStoreEndpoint

        for future in self.admin.delete_topics([self.name, self.name + ".dlq"]).values():
            future.result(30)
        self._registry.delete(self._subject)
        client = s3.store(ObjectStoreEndpoint(**self.endpoints["object_store"]))
        for page in obstore.list(client, prefix=f"a-bench/{self.name}"):
            obstore.delete(client, [entry["path"] for entry in page])


def service(endpoints: dict[str, Any], events: int, rate: float) -> dict[str, float]:
    """The whole service at a steady rate: its process's CPU per event, after a warm-up of a tenth of the events."""
    bench = Bench(endpoints)
    bench.set_up()
    try:
        with tempfile.TemporaryDirectory() as name:
            return _service(bench, Path(name), events, rate)
    finally:
        bench.tear_down()


def _service(bench: Bench, folder: Path, events: int, rate: float) -> dict[str, float]:
    import httpx

    log = folder / "log"
    command = [sys.executable, "-m", "cdc_pipeline.archive.cli", "--config", str(bench.config(folder))]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        url = ""
        while not url:
            time.sleep(0.2)
            lines = [json.loads(line) for line in log.read_text().splitlines() if '"listening"' in line]
            url = f"http://127.0.0.1:{lines[0]['port']}" if lines else ""
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
        while httpx.get(f"{url}/health/ready", timeout=10).status_code != 200:
            time.sleep(0.2)

        def flush() -> None:
            answer = httpx.post(f"{url}/flush?timeout=300", timeout=310)
            if not answer.json()["ok"]:
                raise RuntimeError(answer.text)

        bench.produce(events // 10, rate)
        flush()
        before, began = _status(process.pid), time.monotonic()
        bench.produce(events, rate)
        produced = time.monotonic()
        flush()
        after, ended = _status(process.pid), time.monotonic()
        metrics = httpx.get(f"{url}/metrics", timeout=10).text
    finally:
        process.terminate()
        process.wait(60)
    tiles = sum(
        float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith("cdc_archive_tiles_total")
    )
    return {
        "events": events,
        "events_per_second": round(events / (produced - began)),
        "service_us": round((after[0] - before[0]) / events * 1e6, 2),
        "cores": round((after[0] - before[0]) / (ended - began), 3),
        "behind_seconds": round(ended - produced, 2),
        "tiles": int(tiles),
        "rss_mb": round(after[1] / 1e6),
    }


def _status(pid: int) -> tuple[float, int]:
    """CPU seconds (user and system, all threads) and resident bytes of a process, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=600_000, help="events for the whole service (default 600000)")
    parser.add_argument("--rate", type=float, default=10_000, help="events a second (default 10000)")
    parser.add_argument("--rounds", type=int, default=200, help="tiles for decode and Parquet alone (default 200)")
    options = parser.parse_args()
    result: dict[str, Any] = {"columnar": columnar(options.rounds)}
    path = os.environ.get("CDC_ENDPOINTS")
    if path:
        result["service"] = service(json.loads(Path(path).read_text()), options.events, options.rate)
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
