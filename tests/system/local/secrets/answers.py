# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an instance's servers answer to who may read, and what its topics hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from signed_in import signed_in

# Kafka's own: of groups and transactions.
_NOT_READ = ("__consumer_offsets", "__transaction_state")
_SECONDS = 60.0


def all_of(endpoints: Mapping[str, Any]) -> dict[str, str]:
    """Answers and records as text, by request or topic."""
    found = dict(_connect(endpoints["kafka_connect"]))
    found |= dict(_registry(endpoints["schema_registry"]))
    for name in ("archive", "connectors"):
        paths = ("/metrics", "/status", "/health/live", "/health/ready", "/none")
        found |= dict(_get(name, endpoints[name], "reader", *paths))
    return found | dict(_topics(endpoints["kafka"]))


def _get(name: str, where: Mapping[str, Any], who: str, *paths: str) -> Iterator[tuple[str, str]]:
    with signed_in(where, who) as client:
        for path in paths:
            answer = client.get(path)
            yield f"{name}: GET {path}", f"{answer.status_code} {dict(answer.headers)}\n{answer.text}"


def _connect(where: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kafka Connect: all that the writer reads, and the worker's judgement of each configuration."""
    with signed_in(where, "writer") as client:
        connectors = client.get("/connectors").raise_for_status().json()
        plugins = client.get("/connector-plugins").raise_for_status().json()
        paths = ["/", "/connectors?expand=info&expand=status", "/connector-plugins", "/admin/loggers"]
        for name in connectors:
            paths += [
                f"/connectors/{name}{path}" for path in ("", "/config", "/status", "/tasks", "/topics", "/offsets")
            ]
        paths += [f"/connector-plugins/{plugin['class']}/config" for plugin in plugins]
        yield from _get("Kafka Connect", where, "writer", *paths)
        for name in connectors:
            config = client.get(f"/connectors/{name}/config").raise_for_status().json()
            path = f"/connector-plugins/{config['connector.class']}/config/validate"
            yield f"Kafka Connect: PUT {path}", client.put(path, json=config).raise_for_status().text


def _registry(where: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    with signed_in(where, "writer") as client:
        subjects = client.get("/subjects").raise_for_status().json()
    paths = ["/subjects", "/config", "/schemas/types", *(f"/subjects/{name}/versions/latest" for name in subjects)]
    yield from _get("registry", where, "writer", *paths)
    root = {**where, "url": where["url"].partition("/apis/")[0]}
    own = ("system/info", "groups", "search/artifacts", "admin/config/properties", "admin/rules")
    yield from _get("registry", root, "writer", *(f"/apis/registry/v3/{path}" for path in own), "/q/info", "/q/metrics")


def _topics(where: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every record of every topic, by who may do anything."""
    settings = {"bootstrap.servers": where["bootstrap_servers"], "group.id": "secrets", "enable.auto.commit": False}
    consumer = Consumer({**where["client"], **settings, "enable.partition.eof": True})
    try:
        known = consumer.list_topics(timeout=_SECONDS).topics
        left = {(name, number) for name, topic in known.items() if name not in _NOT_READ for number in topic.partitions}
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in left])
        found: dict[str, list[bytes]] = {name: [] for name, _number in left}
        while left:
            message = consumer.poll(_SECONDS)
            assert message is not None, f"nothing comes of {sorted(left)}"
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                left.discard((message.topic(), message.partition()))
                continue
            parts = [message.key(), message.value(), *(value for _name, value in message.headers() or [])]
            found[message.topic()] += [part for part in parts if part]
    finally:
        consumer.close()
    assert found["connect-configs"] and found["_schemas"]
    for name, parts in found.items():
        yield f"topic {name}", b"\n".join(parts).decode("latin-1")
