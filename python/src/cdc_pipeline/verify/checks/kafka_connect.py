"""T7: workers, plugins, settings, topics, and the workers' JVMs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.checks.kafka import differing
from cdc_pipeline.verify.http_rights import judge_rights
from cdc_pipeline.verify.jvm import judge_jvm, judge_memory
from cdc_pipeline.verify.step import Step

_TAG = "Run the tag kafka_connect."
# What names the jars that a worker runs from, each library once.
_CLASS_PATH = "class-path.jar"
# The folder of what serves the metrics.
_METRICS = re.compile(r"/metrics(-[0-9a-f]{12})?/[^/]*")
# Plugins that are on the class path, by what their folders are called.
_VETTED = re.compile(r"(debezium|converter)(-[0-9a-f]{12})?")


def read_properties(text: str) -> dict[str, str]:
    """A Java properties file as this project writes them: a line a setting, backslashes escape."""
    found = {}
    for line in text.splitlines():
        if line.strip() and line.lstrip()[0] not in "#!":
            key, _, value = line.partition("=")
            found[key.strip().replace("\\:", ":")] = re.sub(r"\\(.)", r"\1", value.strip())
    return found


def following(command: Sequence[str], names: Collection[str]) -> str:
    """The argument after one of the named options, or nothing."""
    return next((value for option, value in pairwise(command) if option in names), "")


def judge_settings(
    name: str, settings: Mapping[str, str], expected: Mapping[str, str], classpath: str
) -> Iterator[Finding]:
    """worker.properties and the class path of a worker."""
    yield equal(
        "kafka_connect.settings",
        f"settings of {name} other than {dict(expected)}",
        {},
        differing(expected, settings),
        _TAG,
    )
    folders = [folder for folder in settings.get("plugin.path", "").split(",") if folder]
    twice = sorted(folder for folder in folders if _VETTED.fullmatch(PurePath(folder).name))
    # What serves the metrics comes after it, as Java's caches allow, and has none of its classes.
    jars = [PurePath(part).name for part in classpath.split(":") if not _METRICS.search(part)]
    # Loaded by a plugin's own loader, they would not come from the cache of Java, and start slowly.
    yield Finding(
        "kafka_connect.class_path",
        f"{name} runs from one class path with its plugins, and only further plugins are loaded apart",
        {"class path": [_CLASS_PATH], "on it and apart": []},
        {"class path": jars, "on it and apart": twice},
        jars == [_CLASS_PATH] and not twice,
        _TAG,
    )


def _workers(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.kafka_connect
    urls = context.plan.endpoints.kafka_connect.workers
    versions = {}
    clusters = set()
    for url in urls:
        try:
            with context.connect_worker(url) as worker:
                answer = worker.get("/").raise_for_status().json()
        except Exception as error:  # Any of them: the worker does not answer.
            versions[url] = str(error)
            continue
        versions[url] = answer["version"]
        clusters.add(answer["kafka_cluster_id"])
    reached = [url for url, version in versions.items() if re.match(r"\d", version)]
    yield Finding(
        "kafka_connect.workers",
        "workers that answer",
        expected.workers,
        versions,
        len(reached) == expected.workers,
        "Check the worker's status and log.",
    )
    cluster = context.kafka_admin.list_topics(timeout=30).cluster_id
    yield equal("kafka_connect.cluster", "Kafka cluster of the workers", [cluster], sorted(clusters), _TAG)
    if not reached:
        return
    with context.connect_worker(reached[0]) as worker:
        plugins = worker.get("/connector-plugins?connectorsOnly=false").raise_for_status().json()
    classes = {plugin["class"] for plugin in plugins}
    wanted = [*expected.plugins, *{v for k, v in expected.settings.items() if k.endswith(".converter")}]
    absent = sorted(set(wanted) - classes)
    yield equal("kafka_connect.plugins", f"plugins not found, of {', '.join(sorted(set(wanted)))}", [], absent, _TAG)
    metadata = context.kafka_admin.list_topics(timeout=30)
    factors = {
        name: sorted({len(p.replicas) for p in metadata.topics[name].partitions.values()})
        if name in metadata.topics
        else "no such topic"
        for name in (expected.dead_letter_topic, *expected.internal_topics)
    }
    yield equal(
        "kafka_connect.topics",
        "replicas of the topics of dead letters, configurations, offsets and status",
        {name: [expected.replication_factor] for name in factors},
        factors,
        "Run the tags kafka and kafka_connect.",
    )


def _processes(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.kafka_connect
    servers = context.servers.of("kafka_connect")
    yield from judge_jvm("kafka_connect", "Connect", servers, expected.jvm_options)
    for server in servers:
        path = next((PurePath(each) for each in reversed(server.command) if each.endswith(".properties")), None)
        if path is None:
            raise LookupError(f"the worker on {server.place} has no properties file on its command line")
        classpath = following(server.command, ("-cp", "-classpath", "--class-path"))
        settings = read_properties(server.read(path))
        yield from judge_settings(f"the worker on {server.place}", settings, expected.settings, classpath)
        yield judge_memory(context, "kafka_connect", f"the worker on {server.place}", [server], expected.memory_mib)


def _rights(context: Context) -> Iterator[Finding]:
    where, rights = context.plan.endpoints.kafka_connect, context.plan.expected.kafka_connect.rights
    logins = {"reader": where.reader, "writer": where.writer}
    for url in where.workers:
        yield from judge_rights(
            "kafka_connect", f"Kafka Connect at {url}", url, where.ca, logins, rights, "kafka_connect"
        )


STEPS = (
    Step("kafka_connect.workers", "kafka_connect", _workers, "T7", ("workers", "cluster", "plugins", "topics")),
    Step("kafka_connect.rights", "kafka_connect", _rights, "T7", ("rights", "logins", "encrypted")),
    Step(
        "kafka_connect.processes",
        "kafka_connect",
        _processes,
        "T7",
        ("jvm_options", "gc_log", "settings", "class_path", "memory"),
    ),
)
