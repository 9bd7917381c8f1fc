# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the connector's task without Kafka, with the settings of the role."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from role_defaults import connector_settings
from waiting import until, wait

LOG = """rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.target=SYSTEM_ERR
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m (%c)%n
# Its queue of latencies overflows where much is read at once.
logger.measured.name=io.debezium.metrics.stats.MeasurementCollector
logger.measured.level=ERROR
"""
# Kafka's alone.
NOT_HERE = ("signal.", "producer.", "exactly.")
# What 39700d6 had in the place of what is set now.
BEFORE = {
    "field.name.adjustment.mode": "avro",
    "transforms": "unwrap",
    "converters": "",
    "pg.type": "",
    "include.unknown.datatypes": "",
    "database.options": "",
    "database.binaryTransfer": "",
    "skipped.operations": "",
    "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
    "transforms.unwrap.delete.tombstone.handling.mode": "rewrite",
    "transforms.unwrap.add.fields": "op,lsn,txId,ts_us,source.ts_us",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Java:
    """``archive``: of loaded classes; the first program that ends in order makes it, and later ones start from it."""

    binary: str
    classpath: str
    archive: str

    def command(self, main: str, *arguments: object, heap: int = 512, measured: bool = False) -> list[str]:
        """``heap``: mebibytes; ``measured``: compiled as in the pipeline, once warm."""
        memory = [f"-Xmx{heap}m", "-XX:+ExitOnOutOfMemoryError", "-Duser.timezone=UTC"]
        # No program here runs long enough to earn what the second compiler costs. What Java says of the archive does
        # not go among the records.
        start = [] if measured else ["-XX:TieredStopAtLevel=1"]
        start += ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={self.archive}"]
        start += ["-Xlog:disable", "-Xlog:all=error:stderr"]
        begin = [self.binary, *memory, *start, "-cp", self.classpath]
        return [*begin, f"io.cdcpipeline.connect.{main}", *map(str, arguments)]

    def run(self, main: str, *arguments: object) -> str:
        done = subprocess.run(self.command(main, *arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Connector:
    """The connector of one database."""

    def __init__(self, java: Java, database: psycopg.Connection, folder: Path) -> None:
        self.java = java
        self.folder = folder
        self.database = database
        info = database.info
        self.own = {
            "name": "cdc",
            "database.hostname": "127.0.0.1",
            "database.port": str(info.port),
            "database.user": info.user,
            "database.password": "trusted",
            "database.dbname": info.dbname,
            "topic.prefix": "postgres",
            "slot.name": "cdc",
            "publication.name": "pub",
            "heartbeat.interval.ms": "500",
            "signal.enabled.channels": "file",
            "signal.file": str(folder / "signals"),
            "signal.poll.interval.ms": "500",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def command(
        self,
        main: str,
        tables: list[str],
        *arguments: object,
        heap: int = 512,
        offset: Row | None = None,
        measured: bool = False,
        **more: object,
    ) -> list[str]:
        """What runs a class with this connector's settings, from a snapshot of what is there or from an offset."""
        settings = {key: value for key, value in connector_settings().items() if not key.startswith(NOT_HERE)}
        included = ",".join(f"(?-i){table}".replace(".", "\\.") for table in tables)
        topics = ",".join(f"postgres.{table}" for table in (*tables, "message")) + ",__debezium-heartbeat.postgres"
        computed = {
            "table.include.list": included,
            "message.prefix.include.list": "(?!)",
            "transforms.known.topics": topics,
            "transforms.known.server": "postgres",
            "transforms.messages.topic": "postgres.message",
        }
        if not tables:
            # The caller names tables by patterns, so that their topics are not known here.
            computed["transforms"] = settings["transforms"].removeprefix("known,")
        settings |= self.own | computed | {key.replace("__", "."): str(v) for key, v in more.items()}
        # It is gone when Debezium has emptied the file for the first time.
        (self.folder / "signals").write_text("\n")
        (self.folder / "stop").unlink(missing_ok=True)
        self.begin_at(offset)
        (self.folder / "log4j2.properties").write_text(LOG)
        lines = [f"{key}={value}".replace("\\", "\\\\") + "\n" for key, value in settings.items() if value]
        (self.folder / "connector.properties").write_text("".join(lines))
        arguments = (self.folder / "connector.properties", *arguments)
        command = self.java.command(main, *arguments, heap=heap, measured=measured)
        command.insert(1, f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties")
        return command

    def start(self, tables: list[str], heap: int = 512, sizes: bool = False, slow: int = 0, **more: object) -> None:
        """Begin with a snapshot of what is there.

        Args:
            heap: mebibytes.
            sizes: whether records are printed as their sizes, which takes less time and memory.
            slow: milliseconds that each of these takes besides.
        """
        command = self.command("Capture", tables, heap=heap, **more)
        command[1:1] = [f"-Dsizes={str(sizes).lower()}", f"-Dslow={slow}"]
        with (self.folder / "records").open("w") as records, (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=records, stderr=log)

    def snapshot(self, *tables: str) -> None:
        """Ask for incremental snapshots.

        Debezium empties the file when it begins to stream, and each time that it has read something in it. So the
        signals are put in their place at once, while it streams and has read those of before.
        """
        signals, new = self.folder / "signals", self.folder / "signals.new"
        until(self._streams, bool, 300, "Debezium to stream", pause=0.05)
        until(signals.read_text, lambda text: not text, 300, "the signals of before to be read", pause=0.05)
        with new.open("w") as file:
            for table in tables:
                data = {"data-collections": [table.replace(".", "\\.")], "type": "incremental"}
                file.write(json.dumps({"id": table, "type": "execute-snapshot", "data": data}) + "\n")
        new.replace(signals)

    def _streams(self) -> bool:
        found = self.database.execute("SELECT FROM pg_stat_replication WHERE state IN ('catchup', 'streaming')")
        return found.fetchone() is not None

    def offset(self) -> Row | None:
        """How far it has come."""
        file = self.folder / "offset"
        return json.loads(file.read_text()) if file.exists() else None

    def begin_at(self, offset: Row | None) -> None:
        """Where the next start begins; None for a snapshot."""
        (self.folder / "offset").unlink(missing_ok=True)
        if offset is not None:
            (self.folder / "offset").write_text(json.dumps(offset))

    def records(self) -> list[Row]:
        lines = (self.folder / "records").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def count(self) -> int:
        """How many records there are; quicker than to read them."""
        return (self.folder / "records").read_bytes().count(b"\n")

    def wait(self, count: int, seconds: float = 300) -> list[Row]:
        """All records, of which there are as many."""
        found = wait(self.count, lambda found: found >= count or self.process.poll() is not None, seconds, 0.2)
        assert found >= count, f"{found} of {count} records\n{self.log()[-4000:]}"
        return self.records()

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait for something; fails with the end of the log, also when the process ends before."""
        found = wait(holds, lambda found: found or self.process.poll() is not None, seconds, 0.2)
        assert found, f"after {self.count()} records at {self.offset()}\n{self.log()[-4000:]}"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> list[Row]:
        """End it in order; all records."""
        (self.folder / "stop").touch()
        # The first one makes the archive of classes then.
        assert self.process.wait(120) == 0, self.log()[-4000:]
        return self.records()

    def offset_reads(self) -> int:
        """How often the task has read its offset, which is a question to each broker. To be asked when it has ended."""
        return int((self.folder / "reads").read_text())

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
