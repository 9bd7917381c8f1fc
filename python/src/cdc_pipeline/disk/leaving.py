"""`cdc-leaving`: the topics that are archived no longer, and hold what is not archived yet."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from cdc_pipeline.clients import kafka, topics
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.shape import ShapeError, read

_REQUEST = 30
_COUNT_SECONDS = 5.0
_FAILED, _USAGE = 1, 2
_READ = {"enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True}


@dataclass(frozen=True)
class Request:
    """What stands on the standard input.

    Attributes:
        group: the archive's consumer group.
        prefix: of the topics of tables, with the point.
        topics: those that are archived from now on.
        dead_letters: what the names of their dead letter topics end with.
    """

    kafka: KafkaEndpoint
    group: str
    prefix: str
    topics: tuple[str, ...]
    dead_letters: str = ".dlq"


def former(there: Collection[str], request: Request) -> list[str]:
    """Topics of tables that were archived once: only such a topic has one for its dead letters."""
    return sorted(
        name
        for name in there
        if name.startswith(request.prefix) and f"{name}{request.dead_letters}" in there and name not in request.topics
    )


def leaving(names: Iterable[str], behind: Mapping[str, int], assigned: Collection[str]) -> dict[str, int]:
    """Those that somebody still archives, or that hold records which are not archived, with how many these are."""
    return {name: behind.get(name, 0) for name in names if behind.get(name, 0) or name in assigned}


def look(request: Request) -> dict[str, int]:
    """What is there.

    Raises:
        KafkaException: Kafka does not answer.
    """
    admin = kafka.admin(request.kafka)
    names = former(admin.list_topics(timeout=_REQUEST).topics.keys(), request)
    if not names:
        return {}
    return leaving(names, _behind(admin, request, names), _assigned(admin, request.group))


def _behind(admin: AdminClient, request: Request, names: list[str]) -> dict[str, int]:
    """Records of each topic beyond the committed offsets. Offsets without a record, as of markers, do not count."""
    ends = topics.ends(admin, topics.partitions_of(admin, names))
    lows = topics.ends(admin, ends, earliest=True)
    consumer = kafka.consumer(request.kafka, {**_READ, "group.id": request.group})
    try:
        committed = topics.committed(consumer, ends)
        begins = {at: max(committed.get(at, (0, ""))[0], lows[at]) for at in ends}
        begins = {at: begin for at, begin in begins.items() if begin < ends[at]}
        counts: dict[str, int] = {}
        began = time.monotonic()
        for message in topics.read(consumer, begins, _COUNT_SECONDS) if begins else ():
            counts[str(message.topic())] = counts.get(str(message.topic()), 0) + 1
    finally:
        consumer.close()
    if time.monotonic() - began < _COUNT_SECONDS:
        return counts
    # Not all were counted, so that each offset counts.
    counts = {}
    for at, begin in begins.items():
        counts[at[0]] = counts.get(at[0], 0) + ends[at] - begin
    return counts


def _assigned(admin: AdminClient, group: str) -> set[str]:
    """The topics that the group's members read."""
    try:
        found = admin.describe_consumer_groups([group], request_timeout=_REQUEST)[group].result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return set()
        raise
    if found.state == ConsumerGroupState.DEAD:
        return set()
    return {at.topic for member in found.members for at in member.assignment.topic_partitions}


def main(arguments: list[str] | None = None) -> int:
    """0 with a map of topics to records on the standard output; 1 when Kafka does not answer; 2 for a wrong request."""
    parser = argparse.ArgumentParser(
        prog="cdc-leaving", description=f"{__doc__} The request is JSON on the standard input."
    )
    parser.parse_args(arguments)
    try:
        request = read(Request, _given(), "the request")
        found = look(request)
    except (ShapeError, ValueError) as error:
        print(error, file=sys.stderr)
        return _USAGE
    except KafkaException as error:
        print(f"Kafka at {request.kafka.bootstrap_servers}: {error.args[0].str()}", file=sys.stderr)
        return _FAILED
    json.dump(found, sys.stdout)
    return 0


def _given() -> Any:
    return json.load(sys.stdin)


if __name__ == "__main__":
    sys.exit(main())
