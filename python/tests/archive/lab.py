"""What the integration tests do to real servers: topics, records, processes, objects."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import httpx
import obstore
import polars as pl
import yaml
from cdc_pipeline.archive import store, tile
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.settings import ObjectStore, load
from cdc_pipeline.archive.tile import Footer
from cdc_pipeline.clients import http, kafka
from cdc_pipeline.endpoints import KafkaEndpoint, Login
from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

SCHEMAS = [
    {
        "type": "record",
        "name": "Value",
        "namespace": "a.test",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "text", "type": ["null", "string"], "default": None},
            *({"name": f"more{i}", "type": ["null", "int"], "default": None} for i in range(version)),
            {"name": "__op", "type": ["null", "string"], "default": None},
            {"name": "__lsn", "type": ["null", "long"], "default": None},
        ],
    }
    for version in range(2)
]
KEY_SCHEMA = {
    "type": "record",
    "name": "Key",
    "namespace": "a.test",
    "fields": [{"name": "id", "type": "long"}],
}
DEADLINE = 120.0


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Poll until the condition holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


class Process:
    """A running ``cdc-archive``, with ``enter`` called in it first."""

    def __init__(self, config: Path, log: Path, enter: Callable[[], None] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            command = [sys.executable, "-m", "cdc_pipeline.archive.cli", "--config", str(config)]
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, env=os.environ.copy(), preexec_fn=enter
            )
        self._begin = log.stat().st_size if log.exists() else 0

    def lines(self) -> list[dict[str, Any]]:
        text = self.log.read_text().splitlines()
        return [json.loads(line) for line in text if line.startswith("{")]

    def said(self, message: str) -> bool:
        return any(line["message"] == message for line in self.lines())

    @property
    def url(self) -> str:
        def listening() -> list[int]:
            ports = [x["port"] for x in self.lines() if x["message"] == "listening"]
            assert ports or self.process.poll() is None, f"the service ended: {self.log.read_text()[-2000:]}"
            return ports

        port = until(listening, "listening")[-1]
        return f"http://127.0.0.1:{port}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    def metric(self, start: str) -> float:
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(start)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def ready(self) -> Process:
        def check() -> bool:
            try:
                return self.get("/health/ready").status_code == 200
            except httpx.HTTPError:
                return False

        until(check, "ready")
        return self

    def flush(self, seconds: float = 60) -> httpx.Response:
        return httpx.post(f"{self.url}/flush", params={"timeout": seconds}, timeout=seconds + 10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Lab:
    """One test's corner of the servers."""

    def __init__(self, endpoints: dict[str, Any], name: str, folder: Path) -> None:
        self.name = self.topic = name
        self.folder = folder
        self.kafka = KafkaEndpoint(**endpoints["kafka"])
        self._registry = endpoints["schema_registry"]
        self.s3 = endpoints["object_store"]
        self.prefix = f"a-test/{name}"
        self.processes: list[Process] = []
        self.admin = kafka.admin(self.kafka)
        self.store = store.Store(store.connect(self._settings(self.s3["endpoint_url"])), self.prefix)
        self.produced: dict[int, dict[int, int | None]] = {}  # partition: offset: id, None where undecodable
        self._ids = itertools.count()
        self._schema_ids: list[int] = []
        self.key_schema_id = 0

    def _settings(self, endpoint_url: str) -> ObjectStore:
        s3 = self.s3
        keys = {k: s3[k] for k in ("bucket", "region", "access_key_id", "secret_access_key")}
        return ObjectStore(**keys, endpoint_url=endpoint_url, prefix=self.prefix, ca_file=s3["ca"] or None)

    def topics(self, partitions: int = 3, dlq: bool = True, **config: str) -> None:
        # One replica is enough for what is tested, and spares the shared brokers.
        config = {"message.timestamp.type": "LogAppendTime", **config}
        new = [NewTopic(self.topic, partitions, 1, config=config)]
        if dlq:
            sizes = {name: value for name, value in config.items() if name == "max.message.bytes"}
            new.append(NewTopic(self.topic + ".dlq", 1, 1, config=sizes))
        for future in self.admin.create_topics(new).values():
            future.result(30)
        until(lambda: self.topic in self.admin.list_topics(timeout=10).topics, "the topic is there")

    def schema_ids(self) -> list[int]:
        if not self._schema_ids:
            self._schema_ids = [self._register("value", s) for s in SCHEMAS]
            self.key_schema_id = self._register("key", KEY_SCHEMA)
        return self._schema_ids

    def _register(self, kind: str, schema: dict[str, Any]) -> int:
        with self._writer() as registry:
            answer = registry.post(f"/subjects/{self.name}-{kind}/versions", json={"schema": json.dumps(schema)})
        answer.raise_for_status()
        return answer.json()["id"]

    def _writer(self) -> httpx.Client:
        where = self._registry
        return http.client(where["url"], Login(**where["writer"]), where["ca"], seconds=30)

    def config(self, name: str = "one", **over: Any) -> Path:
        reader = self._registry["reader"]
        raw: dict[str, Any] = {
            "group_id": self.name,
            "transactional_id_prefix": self.name,
            "instance_id": name,
            "topics": [self.topic],
            "flush_records": 50,
            "flush_seconds": 1,
            "http": {"port": 0},
            "kafka": {"bootstrap_servers": self.kafka.bootstrap_servers},
            "session_timeout_seconds": 6,
            "stopped_check_seconds": 1,
            "retry_seconds": 1,
            "schema_registry": {
                "url": self._registry["url"],
                "username": reader["username"],
                "ca_file": self._registry["ca"] or None,
                "unknown_schema_seconds": 1,
            },
            "object_store": {
                **{k: self.s3[k] for k in ("endpoint_url", "region", "bucket")},
                "prefix": self.prefix,
                "ca_file": self.s3["ca"] or None,
            },
            "secrets_file": f"{name}-secrets.yml",
        }
        secrets: dict[str, Any] = {
            "kafka": {"properties": dict(self.kafka.client)},
            "schema_registry": {"password": reader["password"]},
            "object_store": {k: self.s3[k] for k in ("access_key_id", "secret_access_key")},
        }
        for section, values in over.pop("secrets", {}).items():
            secrets[section] |= values
        for key, value in over.items():
            raw[key] = {**raw.get(key, {}), **value} if isinstance(value, dict) else value
        (self.folder / f"{name}-secrets.yml").write_text(yaml.safe_dump(secrets))
        path = self.folder / f"{name}.yml"
        path.write_text(yaml.safe_dump(raw))
        return path

    def start(self, name: str = "one", enter: Callable[[], None] | None = None, **over: Any) -> Process:
        log = self.folder / f"{name}-{len(self.processes)}.log"
        process = Process(self.config(name, **over), log, enter)
        self.processes.append(process)
        return process

    def producer(self, settings: dict[str, Any] | None = None) -> Producer:
        return kafka.producer(self.kafka, settings or {})

    def produce(self, count: int, seed: int = 1, bad: float = 0.0, evolve: bool = False, abort: float = 0.0) -> None:
        """Records in transactions, some of which are aborted; ``bad``: the share that cannot be decoded."""
        rng = random.Random(seed)
        producer = self.producer({"transactional.id": f"{self.name}-producer-{rng.random()}", "log_level": 3})
        producer.init_transactions(30)
        partitions = len(self.admin.list_topics(self.topic, timeout=10).topics[self.topic].partitions)
        while count > 0:
            size = min(count, rng.randrange(1, 60))
            aborted = rng.random() < abort
            sent: list[tuple[int, int, int | None]] = []
            producer.begin_transaction()
            for _ in range(size):
                self._send(producer, rng, rng.randrange(partitions), bad, evolve, sent)
            producer.flush(30)
            if aborted:
                producer.abort_transaction(30)
                continue
            producer.commit_transaction(30)
            assert len(sent) == size
            for partition, offset, number in sent:
                self.produced.setdefault(partition, {})[offset] = number
            count -= size
        self.until_visible()

    def until_visible(self) -> None:
        """Wait until readers see what was committed: the markers follow the answer to the producer."""

        def ends(level: IsolationLevel) -> dict[int, int]:
            found = self.admin.list_offsets(dict.fromkeys(places, OffsetSpec.latest()), isolation_level=level)
            return {place.partition: future.result(30).offset for place, future in found.items()}

        count = len(self.admin.list_topics(self.topic, timeout=10).topics[self.topic].partitions)
        places = [TopicPartition(self.topic, each) for each in range(count)]
        until(
            lambda: ends(IsolationLevel.READ_COMMITTED) == ends(IsolationLevel.READ_UNCOMMITTED),
            "readers see all that was committed",
        )

    def _send(self, producer: Any, rng: random.Random, partition: int, bad: float, evolve: bool, sent: list) -> None:
        number = next(self._ids)
        version = rng.randrange(2) if evolve and rng.random() < 0.05 else 0
        value = self.value(number, version)
        expected: int | None = number
        if rng.random() < bad:
            value = rng.choice([value[:-2], b"not avro", value + b"\0\0", b"\0\0\xff\xff\xff" + value[5:], b""])
            expected = None

        def delivered(error: Any, message: Any) -> None:
            assert error is None
            sent.append((message.partition(), message.offset(), expected))

        key = b"key %d" % number
        producer.produce(
            self.topic, value=value, key=key, headers={"n": str(number)}, partition=partition, on_delivery=delivered
        )

    def value(self, number: int, version: int = 0) -> bytes:
        row = {"id": number, "text": f"text {number}", "__op": "c", "__lsn": number * 10}
        return self._encode(SCHEMAS[version], self.schema_ids()[version], row)

    def key(self, number: int) -> bytes:
        return self._encode(KEY_SCHEMA, self.schema_ids() and self.key_schema_id, {"id": number})

    @staticmethod
    def _encode(schema: dict[str, Any], schema_id: int, row: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
        return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()

    # --- what is there in the end

    def tiles(self) -> list[tuple[str, Footer]]:
        keys = [k for k in self.store.keys(self.topic) if tile.parse(k)]
        return sorted(((k, self.store.footer(k)) for k in keys), key=lambda kf: (kf[1].source.partition, kf[1].start))

    def frame(self, key: str) -> pl.DataFrame:
        return pl.read_parquet(bytes(obstore.get(self.store._client, key).bytes()))

    def covered(self, partition: int) -> int:
        """How far the group says that everything is archived or a hole."""
        try:
            found = Cluster(load(self.config("covered"))).committed([(self.topic, partition)])
        except UnavailableError:  # A transaction that commits offsets is open.
            return 0
        committed = found[self.topic, partition]
        return committed.covered if committed else 0

    def dead_letters(self) -> list[Any]:
        consumer = self._consumer()
        topic = self.topic + ".dlq"
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[Any] = []
        while True:
            message = consumer.poll(15)
            assert message is not None, "the dead letter topic did not end"
            if message.error() is not None:
                assert message.error().name() == "_PARTITION_EOF"
                consumer.close()
                return found
            found.append(message)

    def _consumer(self) -> Consumer:
        return kafka.consumer(
            self.kafka,
            {
                "group.id": f"{self.name}-check",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "enable.auto.commit": False,
            },
        )

    def check(self) -> None:
        """Every committed record is in exactly one row or, if it cannot be decoded, in exactly one dead letter."""
        rows: dict[int, dict[int, int]] = {}
        positions: dict[int, int] = {}
        for key, footer in self.tiles():
            partition = footer.source.partition
            assert footer.start == positions.get(partition, 0), f"gap or overlap before {key}"
            positions[partition] = footer.next
            frame = self.frame(key)
            assert frame.height == footer.rows
            if not frame.height:
                continue  # its columns are those of no record
            into = rows.setdefault(partition, {})
            for row in frame.select("id", "text", "__lsn", "__op", "__partition", "__offset").rows():
                number, text, lsn, op, in_partition, offset = row
                assert (text, lsn, op, in_partition) == (f"text {number}", number * 10, "c", partition)
                assert offset not in into
                into[offset] = number
        expected = {p: {o: n for o, n in records.items() if n is not None} for p, records in self.produced.items()}
        assert {p: r for p, r in rows.items() if r} == {p: r for p, r in expected.items() if r}
        dead = []
        for message in self.dead_letters():
            headers = dict(message.headers())
            where = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
            assert message.key() == b"key " + headers["n"]
            dead.append(where)
        undecodable = [(p, o) for p, records in self.produced.items() for o, n in records.items() if n is None]
        assert sorted(dead) == sorted(undecodable)

    def clean(self) -> None:
        for process in self.processes:
            if process.process.poll() is None:
                process.kill()
        existing = [t for t in (self.topic, self.topic + ".dlq") if t in self.admin.list_topics(timeout=10).topics]
        for future in self.admin.delete_topics(existing).values() if existing else ():
            future.result(30)
        for page in obstore.list(self.store._client, prefix=self.prefix):
            for entry in page:
                obstore.delete(self.store._client, entry["path"])
        with self._writer() as registry:
            for kind in ("key", "value"):
                registry.delete(f"/subjects/{self.name}-{kind}")
