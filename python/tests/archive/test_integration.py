"""The whole service against real Kafka, S3 and schema registry.

Longer than 400 lines: one test for each fault that the whole service meets.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import obstore
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

sys.path.insert(0, str(Path(__file__).parent))
from lab import Lab, until
from proxy import Proxy, overwriting_store

pytestmark = pytest.mark.integration


def test_records_become_tiles_and_rejects_become_dead_letters(lab: Lab) -> None:
    lab.topics()
    lab.produce(700, bad=0.02, evolve=True, abort=0.2)
    process = lab.start().ready()
    answer = process.flush()
    assert answer.status_code == 200
    result = answer.json()
    assert result["ok"]
    assert [p["partition"] for p in result["partitions"]] == [0, 1, 2]
    lab.check()
    assert process.metric("cdc_archive_lag_records") == 0 or until(
        lambda: process.metric("cdc_archive_lag_records") == 0, "no lag although the logs end in markers"
    )
    rejected = sum(n is None for records in lab.produced.values() for n in records.values())
    assert process.metric("cdc_archive_rejected_total") == rejected
    message = lab.dead_letters()[0]
    headers = dict(message.headers())
    assert headers["__connect.errors.topic"] == lab.topic.encode()
    assert headers["__cdc.errors.rule"].split(b".")[0] in (b"avro", b"schema")
    # A second flush with nothing new writes nothing.
    before = lab.tiles()
    assert process.flush().json()["ok"]
    assert lab.tiles() == before
    assert process.terminate() == 0


def test_a_tombstone_becomes_a_key_only_row(lab: Lab) -> None:
    lab.topics(partitions=1)
    producer = lab.producer()
    for value, key in ((lab.value(1), b"k"), (None, lab.key(1)), (None, b"foreign")):
        producer.produce(lab.topic, value=value, key=key, partition=0)
    producer.flush(30)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    ((key, footer),) = lab.tiles()
    rows = lab.frame(key).select("id", "text", "__op", "__deleted", "__offset").rows()
    assert rows == [(1, "text 1", "c", None, 0), (1, None, "d", "true", 1)]
    assert [r.offset for r in footer.rejected] == [2]
    assert lab.dead_letters()[0].value() is None


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments(lab: Lab, seed: int) -> None:
    """kill -9 while records arrive, again and again, with a second instance that comes and goes."""
    rng = random.Random(seed)
    lab.topics(partitions=6)
    lab.schema_ids()
    for round_number in range(6):
        lab.produce(400, seed=seed * 100 + round_number, bad=0.01, evolve=True, abort=0.1)
        names = ["one", "two"] if round_number % 2 else ["one"]
        processes = [lab.start(name, flush_seconds=0.3) for name in names]
        time.sleep(rng.uniform(1.0, 6.0))
        for process in processes:
            process.kill()
    process = lab.start("three").ready()
    # Until the sessions of the killed have expired, the group keeps their partitions for them.
    until(lambda: process.metric("cdc_archive_partitions_assigned") == 6, "the last instance has all partitions")
    answer = process.flush(120)
    assert answer.json()["ok"], answer.text
    lab.check()


def test_a_second_instance_takes_its_share_and_hands_it_back(lab: Lab) -> None:
    lab.topics(partitions=6)
    lab.produce(300)
    one = lab.start("one").ready()
    two = lab.start("two").ready()
    until(lambda: two.metric("cdc_archive_partitions_assigned") == 3, "the second instance has its half")
    lab.produce(600, seed=2, bad=0.02)
    until(lambda: one.ready() and one.flush().json()["ok"], "flush of the first")
    assert two.flush().json()["ok"]
    lab.produce(600, seed=3, bad=0.02)
    assert two.terminate() == 0
    until(lambda: one.metric("cdc_archive_partitions_assigned") == 6, "the first instance has all again")
    assert one.ready().flush().json()["ok"]
    lab.check()


def test_sigterm_writes_what_was_read(lab: Lab) -> None:
    lab.topics()
    process = lab.start(flush_seconds=3600, flush_records=100_000).ready()
    lab.produce(200)
    until(lambda: process.metric("cdc_archive_records_consumed_total") == 200, "everything is read")
    assert lab.tiles() == []
    assert process.terminate() == 0
    lab.check()


def test_an_outage_of_the_store_loses_nothing(lab: Lab) -> None:
    lab.topics()
    proxy = Proxy(lab.s3["endpoint_url"])
    try:
        process = lab.start(object_store={"endpoint_url": proxy.url}, memory={"buffer_bytes": 1 << 20}).ready()
        lab.produce(300, bad=0.02)
        assert process.flush().json()["ok"]
        proxy.off()
        lab.produce(8000, seed=2, bad=0.002)  # more than the buffer holds
        until(lambda: process.metric("cdc_archive_paused") == 1, "reading is paused")
        assert process.metric("cdc_archive_object_store_up") == 0
        assert process.get("/health/ready").status_code == 503
        assert process.get("/health/live").status_code == 200
        assert process.flush(1).status_code == 504
        assert process.metric("cdc_archive_buffered_bytes") < 6 << 20
        proxy.on = True
        answer = process.ready().flush(120)
        assert answer.json()["ok"], answer.text
        lab.check()
        assert process.metric("cdc_archive_rebalances_total") == 1, "it stayed in the group all the while"
    finally:
        proxy.close()


def test_a_store_that_ignores_if_none_match_is_refused(lab: Lab) -> None:
    lab.topics()
    server = overwriting_store()
    try:
        process = lab.start(object_store={"endpoint_url": f"http://127.0.0.1:{server.server_address[1]}"})
        assert process.process.wait(60) == 3
        assert "If-None-Match" in process.log.read_text()
    finally:
        server.shutdown()


def test_a_wrong_key_of_the_store_is_said_and_waited_for(lab: Lab) -> None:
    lab.topics()
    process = lab.start(secrets={"object_store": {"secret_access_key": "wrong"}})
    until(lambda: "SignatureDoesNotMatch" in process.get("/health/ready").text, "the reason is in the answer")
    assert process.get("/health/live").status_code == 200
    assert process.terminate() == 0


def test_a_compacted_topic_is_refused(lab: Lab) -> None:
    lab.topics(**{"cleanup.policy": "compact"})
    process = lab.start()
    assert process.process.wait(60) == 3
    assert "cleanup.policy" in process.log.read_text()


def test_retention_stops_one_partition_until_the_gap_is_accepted(lab: Lab) -> None:
    lab.topics(partitions=2)
    lab.produce(200, seed=1)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    assert process.terminate() == 0
    lab.produce(400, seed=2)
    position = {f.source.partition: f.next for _, f in lab.tiles()}[0]
    low = position + 20
    for future in lab.admin.delete_records([TopicPartition(lab.topic, 0, low)]).values():
        future.result(30)
    process = lab.start()
    until(lambda: process.metric("cdc_archive_partition_stopped") == 1, "the partition is stopped")
    answer = process.flush()
    assert answer.status_code == 503
    assert {p["partition"]: p["done"] for p in answer.json()["partitions"]} == {0: False, 1: True}
    config = str(lab.folder / "one.yml")
    command = [sys.executable, "-m", "cdc_pipeline.archive.cli", "accept-gap", "--config", config]
    done = subprocess.run(
        [*command, "--topic", lab.topic, "--partition", "0"], capture_output=True, text=True, check=True
    )
    assert f"[{position}, {low}) is lost" in done.stdout
    until(lambda: process.metric("cdc_archive_partition_stopped") == 0, "the partition continues")
    assert process.ready().flush().json()["ok"]
    (gap,) = [f for _, f in lab.tiles() if f.gap]
    assert (gap.start, gap.next, gap.rows, gap.holes) == (position, low, 0, 20)
    lab.produced[0] = {o: n for o, n in lab.produced[0].items() if not position <= o < low}
    lab.check()


def test_topics_and_dead_letter_topics_that_come_later(lab: Lab) -> None:
    process = lab.start()
    until(lambda: process.said("waiting for topics that do not exist"), "it says what it waits for")
    assert "waiting for topics" in process.get("/health/ready").text
    lab.topics(dlq=False)
    lab.produce(100, bad=0.2)
    until(lambda: process.metric("cdc_archive_dlq_missing") == 1, "it says that the dead letter topic is missing")
    assert process.flush(3).status_code == 504
    for future in lab.admin.create_topics([NewTopic(lab.topic + ".dlq", 1, 1)]).values():
        future.result(30)
    assert process.flush().json()["ok"]
    lab.check()


def test_a_recreated_topic_has_its_own_chain(lab: Lab) -> None:
    lab.topics(partitions=1)
    lab.produce(120)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    first = {f.source.topic_id for _, f in lab.tiles()}
    lab.admin.delete_topics([lab.topic])[lab.topic].result(30)
    until(lambda: lab.topic not in lab.admin.list_topics(timeout=10).topics, "the topic is gone")
    lab.produced.clear()

    def create() -> bool:
        try:
            lab.admin.create_topics([NewTopic(lab.topic, 1, 1)])[lab.topic].result(30)
        except Exception:
            return False
        return True

    until(create, "the topic is there again")
    until(lambda: lab.topic in lab.admin.list_topics(timeout=10).topics, "the topic is there again")
    lab.produce(200, seed=9)

    def flushed() -> bool:
        result = process.flush(5).json()
        ids = {p["topic_id"] for p in result["partitions"]}
        return result["ok"] and not ids & first

    until(flushed, "the new topic is archived")
    chains: dict[str, list[Any]] = {}
    for _, footer in lab.tiles():
        chains.setdefault(footer.source.topic_id, []).append(footer)
    assert len(chains) == 2
    (new,) = (c for i, c in chains.items() if i not in first)
    assert new[0].start == 0
    assert sum(f.rows for f in new) == 200


def test_trailing_markers_that_retention_removes_are_no_gap(lab: Lab) -> None:
    lab.topics(partitions=1)
    lab.produce(60)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    position = lab.tiles()[-1][1].next
    until(lambda: lab.covered(0) > position, "the holes after the position are committed as seen")
    assert process.terminate() == 0
    for future in lab.admin.delete_records([TopicPartition(lab.topic, 0, position + 1)]).values():
        future.result(30)
    process = lab.start().ready()
    assert process.metric("cdc_archive_partition_stopped") == 0
    lab.produce(60, seed=2)
    assert process.flush().json()["ok"]
    lab.check()


def test_a_frozen_instance_that_wakes_up_does_no_harm(lab: Lab) -> None:
    """A real zombie: stopped beyond its session while it holds records, and continued after another took over."""
    lab.topics(partitions=2)
    one = lab.start("one", flush_seconds=2).ready()
    lab.produce(300, bad=0.02)
    until(lambda: one.metric("cdc_archive_records_consumed_total") >= 100, "the first instance has records")
    one.process.send_signal(signal.SIGSTOP)
    two = lab.start("two", flush_seconds=0.3).ready()
    assert two.flush().json()["ok"]
    lab.produce(200, seed=2, bad=0.02)
    assert two.flush().json()["ok"]
    one.process.send_signal(signal.SIGCONT)
    # Between the two, the partition that changes hands is nobody's, and a flush has nothing to wait for.
    for process in (two, one):
        until(lambda of=process: of.metric("cdc_archive_partitions_assigned") == 1, "each has its share again")
    lab.produce(200, seed=3, bad=0.02)
    for process in (one, two):
        answer = process.ready().flush()
        assert answer.json()["ok"], answer.text
    lab.check()


def test_of_two_with_one_instance_id_one_ends(lab: Lab) -> None:
    lab.topics(partitions=4)  # so that both have some to commit
    first = lab.start("one").ready()
    lab.produce(100)
    assert first.flush().json()["ok"]
    second = lab.start("one").ready()
    lab.produce(200, seed=2)
    until(lambda: first.process.poll() is not None, "the fenced one ends")
    assert first.process.returncode == 1
    until(lambda: second.metric("cdc_archive_partitions_assigned") == 4, "the other has all partitions")
    answer = second.ready().flush()
    assert answer.json()["ok"], answer.text
    lab.check()


def test_a_refused_dead_letter_holds_back_its_partition_only(lab: Lab) -> None:
    lab.topics(partitions=2)
    _take_at_most(lab, 100)
    producer = lab.producer()
    for partition, value, number in ((0, b"no avro", None), (0, lab.value(1), 1), (1, lab.value(2), 2)):
        offset = len(lab.produced.setdefault(partition, {}))
        headers, key = {"n": str(number or 0)}, b"key %d" % (number or 0)
        producer.produce(lab.topic, value=value, key=key, headers=headers, partition=partition)
        producer.flush(30)
        lab.produced[partition][offset] = number
    process = lab.start()
    answer = process.flush(15)
    assert answer.status_code == 504
    assert {p["partition"]: p["done"] for p in answer.json()["partitions"]} == {0: False, 1: True}
    assert "dead letter" in process.get("/health/ready").text
    _take_at_most(lab, 1_000_000)
    answer = process.flush()
    assert answer.json()["ok"], answer.text
    lab.check()


def _take_at_most(lab: Lab, size: int) -> None:
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ResourceType.TOPIC, lab.topic + ".dlq", incremental_configs=[entry])
    for future in lab.admin.incremental_alter_configs([topic]).values():
        future.result(30)


# --- trouble of one partition


def _send(lab: Lab, partition: int, *values: tuple[bytes, int | None]) -> None:
    """Records whose values are given, and the number that each has as a row."""
    producer = lab.producer()
    for value, number in values:
        offset = len(lab.produced.setdefault(partition, {}))
        n = number or 0
        producer.produce(lab.topic, value=value, key=b"key %d" % n, headers={"n": str(n)}, partition=partition)
        lab.produced[partition][offset] = number
    producer.flush(30)


def _unknown(number: int) -> bytes:
    return b"\0\x7f\xff\xff\xff" + b"%d" % number


def _listed(process: Any, what: str) -> dict[int, str]:
    return {each["partition"]: each["reason"] for each in process.get("/health/ready").json()[what]}


def test_records_of_an_unknown_schema_are_dead_letters_once_a_later_record_can_be_read(lab: Lab) -> None:
    lab.topics(partitions=2)
    _send(lab, 0, (lab.value(1), 1), (_unknown(2), None), (_unknown(3), None))
    _send(lab, 1, (lab.value(4), 4))
    process = lab.start().ready()
    until(lambda: "no schema id" in _listed(process, "waiting").get(0, ""), "the partition waits, and says for what")
    assert process.get("/health/ready").status_code == 200, "the other partition continues"
    time.sleep(3)
    assert lab.dead_letters() == []
    _send(lab, 0, (lab.value(5), 5))
    answer = process.flush()
    assert answer.json()["ok"], answer.text
    lab.check()


def test_a_stream_of_unknown_schemas_stops_and_rejects_nothing(lab: Lab) -> None:
    lab.topics(partitions=2)
    _send(lab, 0, (lab.value(1), 1), *((_unknown(n), None) for n in range(400)))
    _send(lab, 1, (lab.value(2), 2))
    process = lab.start().ready()
    until(lambda: "no schema id" in _listed(process, "stopped").get(0, ""), "the partition stops, and says why")
    assert process.metric('cdc_archive_partition_stopped{partition="0",reason="unknown_schema"') == 1
    since = process.get("/health/ready").json()["stopped"][0]["since"]
    assert process.flush().status_code == 503
    time.sleep(5)  # it was read again meanwhile, and stopped where it had stopped
    until(lambda: _listed(process, "stopped"), "it stops again")
    assert process.get("/health/ready").json()["stopped"][0]["since"] == since
    assert lab.dead_letters() == []
    _send(lab, 0, (lab.value(3), 3))  # 400 unknown ones and one that shows that the registry answers
    until(lambda: process.flush().json()["ok"], "the partition continues")
    lab.check()


def test_an_emptied_bucket_stops_its_partitions_until_the_loss_is_accepted(lab: Lab) -> None:
    lab.topics(partitions=2)
    lab.produce(200)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    assert process.terminate() == 0
    ends = {footer.source.partition: footer.next for _, footer in lab.tiles()}
    for key in list(lab.store.keys(lab.topic)):
        obstore.delete(lab.store._client, key)
    lab.produce(200, seed=2)
    process = lab.start()
    until(lambda: set(_listed(process, "stopped")) == {0, 1}, "both partitions stop")
    assert process.get("/health/ready").status_code == 503
    assert "lacks the tile that ends at the committed offset" in _listed(process, "stopped")[0]
    assert lab.tiles() == []
    command = [sys.executable, "-m", "cdc_pipeline.archive.cli", "accept-gap", "--config", str(lab.folder / "one.yml")]
    done = subprocess.run([*command, "--topic", lab.topic], capture_output=True, text=True, check=True)
    assert done.stdout.count("is lost") == 2
    answer = process.ready().flush()
    assert answer.json()["ok"], answer.text
    assert {f.source.partition: f.next for _, f in lab.tiles() if f.gap} == ends
    for partition, end in ends.items():
        lab.produced[partition] = {o: n for o, n in lab.produced[partition].items() if o >= end}
    lab.check()


def test_an_unreadable_object_stops_its_partition_until_it_is_restored(lab: Lab) -> None:
    lab.topics(partitions=2)
    lab.produce(200)
    process = lab.start().ready()
    assert process.flush().json()["ok"]
    assert process.terminate() == 0
    key = [key for key, footer in lab.tiles() if footer.source.partition == 0][-1]
    body = bytes(obstore.get(lab.store._client, key).bytes())
    obstore.put(lab.store._client, key, b"spoiled")
    process = lab.start().ready()
    until(lambda: key in _listed(process, "stopped").get(0, ""), "the partition stops and names the object")
    assert list(_listed(process, "stopped")) == [0]
    obstore.put(lab.store._client, key, body)
    lab.produce(200, seed=2)
    until(lambda: process.flush().json()["ok"], "the partition continues")
    lab.check()


def test_a_second_pipeline_is_refused_the_archive_of_the_first(lab: Lab) -> None:
    lab.topics()
    lab.produce(20)
    process = lab.start(owner="mine").ready()
    assert process.flush().json()["ok"]
    assert process.terminate() == 0
    key = f"{lab.prefix}/.owner.json"
    raw = json.loads(bytes(obstore.get(lab.store._client, key).bytes()))
    assert raw["instance"] == "mine"
    obstore.put(lab.store._client, key, json.dumps(raw | {"id": "another", "instance": "theirs"}).encode())
    process = lab.start()
    assert process.process.wait(60) == 3
    assert "theirs" in process.log.read_text() and "archive_take_over_from" in process.log.read_text()
    process = lab.start(take_over_from="another").ready()
    assert process.flush().json()["ok"]
    lab.check()
