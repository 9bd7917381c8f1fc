"""A training: start the servers, put load on them, stop them, make caches of what they recorded, and prove these."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import TopicPartition

from cdc_pipeline.clients import kafka
from cdc_pipeline.load import generator, table
from cdc_pipeline.train import properties
from cdc_pipeline.train.place import place, publish, remove_old
from cdc_pipeline.train.plan import Plan
from cdc_pipeline.train.process import TrainingError
from cdc_pipeline.train.servers import Servers

# The generator's process has to start, and its connections.
_LEAD_SECONDS = 3.0
_TRANSACTION = 100
Tell = Callable[[str], None]


def train(plan: Plan, tell: Tell, waits: Callable[[bool], None]) -> list[str]:
    """Makes the caches that are missing; names of those that were made.

    Args:
        waits: is told when it begins to wait for a calm host, and when that is over.

    Raises:
        TrainingError: something does not work, or takes too long.
        OSError: such as a full disk.
    """
    wanted = plan.wanted
    if not wanted:
        return []
    if plan.background:
        waits(True)
        _wait_for_calm(plan.calm, tell)
        waits(False)
    deadline = time.monotonic() + plan.seconds
    with place(Path(plan.cache), plan.user) as where:
        servers = Servers(plan, where, tell)
        try:
            servers.start()
            _load(plan, servers, deadline, tell)
            servers.stop_recorded()
            servers.end()
            for name in wanted:
                tell(f"making the cache of {name}")
                made = _make(servers, name, where.work / f"{name}.aot")
                publish(made, Path(plan.programs[name].cache), where.top)
            own = {Path(program.cache) for program in plan.programs.values()}
            if old := remove_old(Path(plan.cache), own, where.top):
                tell(f"removed {', '.join(old)}, which nothing has asked for in 60 days")
        finally:
            servers.end()
    return wanted


def _wait_for_calm(seconds: float, tell: Tell) -> None:
    """Waits until a processor is free. Java records less of what is hot where it hardly gets to run."""
    end = time.monotonic() + seconds
    most = max(0.5, (os.cpu_count() or 1) - 1)
    while (load := os.getloadavg()[0]) > most and time.monotonic() < end:
        tell(f"waiting until less is done on this host: {load:.1f} processes want to run, at most {most:.1f} may")
        time.sleep(min(10.0, max(0.0, end - time.monotonic())))


def _load(plan: Plan, servers: Servers, deadline: float, tell: Tell) -> None:
    """Sends the events at their rate, and waits until a reader has them."""
    topic = properties.topics(table.TABLE)[0]
    settings = {
        "group.id": "training",
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "fetch.wait.max.ms": 20,
    }
    transactions = plan.events // _TRANSACTION
    order = generator.Order(
        servers.database, table.TABLE, 1, time.time() + _LEAD_SECONDS, plan.rate, transactions, _TRANSACTION
    )
    seen, told = 0, time.monotonic()
    consumer = kafka.consumer(servers.kafka, settings)
    try:
        consumer.assign([TopicPartition(topic, at, 0) for at in range(properties.PARTITIONS)])
        with generator.running(order) as load:
            while seen < transactions * _TRANSACTION:
                load.look()
                seen += sum(1 for message in consumer.consume(5000, 0.2) if message.error() is None)
                servers.runner.check()
                now = time.monotonic()
                if now > deadline:
                    raise TrainingError(f"only {seen} of {plan.events} events have passed in {plan.seconds} s")
                if now - told >= 10:
                    told = now
                    tell(f"{load.count * _TRANSACTION} events sent, {seen} read")
    finally:
        consumer.close()


def _make(servers: Servers, name: str, made: Path) -> Path:
    """A cache of what a program has recorded, with which Java starts.

    Raises:
        TrainingError: nothing was recorded, or Java does not take what was made.
    """
    recorded = servers.recorded(name)
    # Stubs between compiled and interpreted code are told apart by hashes that collide, with warnings at each start.
    plain = ["-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching"]
    options = [*plain, "-XX:AOTMode=create", f"-XX:AOTConfiguration={recorded}", f"-XX:AOTCache={made}"]
    servers.runner.run(f"make-{name}", servers.java(name, *options))
    # This mode ends the program where a cache cannot be used. A server only starts without it.
    proof = ["-XX:AOTMode=on", f"-XX:AOTCache={made}", "-XX:+VerifySharedSpaces"]
    servers.runner.run(f"prove-{name}", [*servers.java(name, *proof), "-version"])
    return made
