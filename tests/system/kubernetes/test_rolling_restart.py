# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brokers restart one after the other under load: each waits until all replicas are in sync, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import ready
from cdc_pipeline.verify.checks.kafka import under_replicated
from confluent_kafka import KafkaException
from pipeline import Pipeline
from site_runs import ROOT, Site

RATE = 200
# Above what a rolling restart of three brokers takes; the load ends on its own.
SECONDS = 240
# A setting that makes no difference, but is one.
CHANGE = {"connections.max.idle.ms": 599999}


@dataclass(frozen=True)
class Look:
    """The brokers at one moment: uids of their pods, names of those that are not ready, partitions out of sync."""

    uids: dict[str, str]
    unready: list[str]
    out_of_sync: list[str] | None


@dataclass
class Watch:
    brokers: int
    looks: list[Look] = field(default_factory=list)

    def away(self) -> int:
        """The most brokers that were not ready at once."""
        return max(self.brokers - len(each.uids) + len(each.unready) for each in self.looks)

    def replaced(self) -> list[str]:
        """Pods in the order in which others took their place."""
        found: list[str] = []
        known = dict(self.looks[0].uids)
        for each in self.looks:
            found += [name for name, uid in each.uids.items() if known.get(name, uid) != uid]
            known.update(each.uids)
        return found

    def too_early(self) -> list[str]:
        """Pods that ended before the one before them was back and all replicas were in sync."""
        found, whole = [], True
        for earlier, later in zip(self.looks, self.looks[1:], strict=False):
            all_ready = len(earlier.uids) == self.brokers and not earlier.unready
            whole = whole or (all_ready and earlier.out_of_sync == [])
            gone = [name for name, uid in earlier.uids.items() if later.uids.get(name) != uid]
            for name in gone:
                if not whole:
                    found.append(name)
                whole = False
        return found


def look(pipeline: Pipeline, admin) -> Look:
    pods = pipeline.pods("kafka")
    uids = {name: pod["metadata"]["uid"] for name, pod in pods.items()}
    try:
        out_of_sync = under_replicated(admin.list_topics(timeout=5))
    except KafkaException:
        out_of_sync = None
    return Look(uids, sorted(name for name, pod in pods.items() if not ready(pod)), out_of_sync)


@contextmanager
def watching(pipeline: Pipeline) -> Iterator[Watch]:
    watch, stop = Watch(pipeline.plan.expected.kafka.brokers), threading.Event()
    admin = pipeline.context().kafka_admin

    def run() -> None:
        while not stop.wait(0.3):
            try:
                watch.looks.append(look(pipeline, admin))
            except ClusterError:
                continue

    thread = threading.Thread(target=run, name="watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join(30)


def load(pipeline: Pipeline, folder: Path) -> subprocess.Popen[str]:
    """cdc-load, in a process of its own as a user would run it."""
    command = [sys.executable, "-m", "cdc_pipeline.load", "--plan", str(pipeline.file), "--output", str(folder)]
    return subprocess.Popen(
        [*command, "--rate", str(RATE), "--seconds", str(SECONDS), "--warmup-seconds", "5", "--i-know"],
        cwd=ROOT / "python/src",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_brokers_restart_in_turn_and_nothing_is_lost(pipeline: Pipeline, site: Site, tmp_path: Path):
    running = load(pipeline, tmp_path)
    try:
        time.sleep(15)
        assert running.poll() is None, running.communicate()[0]
        with watching(pipeline) as watch:
            began = time.monotonic()
            site.run(
                "--tags", "kafka", playbook="playbooks/core_services.yml", kafka_settings_extra=CHANGE
            ).must_succeed()
            seconds = time.monotonic() - began
        assert running.poll() is None, "the load ended before the brokers had restarted"
        said, _errors = running.communicate(timeout=SECONDS + 300)
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate()
        site.run("--tags", "kafka", playbook="playbooks/core_services.yml").must_succeed()
    print(f"{', '.join(watch.replaced())} restarted in turn in {seconds:.0f} s under {RATE} events/s")
    assert sorted(watch.replaced()) == sorted(f"kafka-{ordinal}" for ordinal in range(watch.brokers))
    assert watch.too_early() == []
    assert watch.away() == 1
    figures = json.loads((tmp_path / f"load_test-{RATE}.json").read_text())
    print(f"latency from commit to Kafka, in seconds: {figures['warm']['latency_seconds']['commit_to_kafka']}")
    counts = figures["exactly_once"]
    assert counts["kafka"]["sent"] > 0, said
    for place in ("kafka", "objects") if pipeline.plan.expected.archive.service else ("kafka",):
        assert counts[place] is not None, f"{place} was not looked at: {figures}\n{said}"
        assert (counts[place]["lost"], counts[place]["duplicates"]) == (0, 0), f"{place}: {counts[place]}\n{said}"
    pipeline.settled(180)
    pipeline.verify()
