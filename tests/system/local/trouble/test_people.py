# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People get a login by `cdc user`, use it with what they are given alone, and lose it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cdc_pipeline.clients import kafka
from confluent_kafka import Consumer, KafkaException
from people import HTTP, Person
from site_runs import Site
from waiting import until

# Kafka keeps how far groups have read, also of people who are gone.
READER, OPERATOR = f"ada-{uuid.uuid4().hex[:6]}", f"bob_{uuid.uuid4().hex[:6]}"
TOPIC = "postgres.public.users"
CACHE = Path(os.environ.get("CDC_CACHE") or "/var/cache/cdc-pipeline")


def command(site: Site, *arguments: str) -> list[str]:
    return [str(site.home / "bin" / "cdc"), "user", *arguments, "--home", str(site.home)]


def cdc(site: Site, *arguments: str) -> str:
    done = subprocess.run(command(site, *arguments), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done
    return done.stdout


def there(site: Site) -> dict[str, str]:
    """The right of each of these people who is listed."""
    listed = json.loads(cdc(site, "list", "--json"))
    return {each["name"]: each["right"] for each in listed if each["name"] in (READER, OPERATOR)}


@pytest.fixture
def people(running: Site, tmp_path: Path) -> Iterator[dict[str, Person]]:
    """A reader and an operator, who are added at the same time; nobody at the end."""
    adding = [
        subprocess.Popen(command(running, "add", *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for words in ((READER,), (OPERATOR, "--operator"))
    ]
    said = [process.communicate(timeout=300)[0] for process in adding]
    try:
        assert [process.returncode for process in adding] == [0, 0], said
        found = {}
        for name, text in zip((READER, OPERATOR), said, strict=True):
            folder = running.home / "credentials" / "people" / name
            # It is handed over.
            person = found[name] = Person(shutil.copytree(folder, tmp_path / name))
            assert str(folder) in text and "schema registry: is restarted" in text
            assert person.password not in text
        yield found
    finally:
        for name in (READER, OPERATOR):
            subprocess.run(command(running, "remove", name), capture_output=True, timeout=300, check=False)


def java_of(site: Site) -> tuple[str, str]:
    """Java, and the class path of Kafka Connect, which has Kafka's client, Avro and Jackson."""
    words = json.loads((site.home / "supervisor/replicas/kafka-connect-0.json").read_text())["start"]["command"]
    return words[0], words[words.index("-cp") + 1]


@contextmanager
def consuming(person: Person) -> Iterator[Consumer]:
    """A consumer that has read a record."""
    consumer = kafka.consumer(person.kafka, {"group.id": f"{person.name}.open", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([TOPIC])
        until(lambda: consumer.poll(1), lambda found: found is not None and found.error() is None, 60, "a record")
        yield consumer
    finally:
        consumer.close()


def refusal(consumer: Consumer) -> str:
    """What a consumer is told that reads on; empty where it is not refused."""
    try:
        found = consumer.poll(1)
    except KafkaException as error:
        return error.args[0].name()
    return found.error().name() if found is not None and found.error() else ""


@pytest.mark.full
def test_people_use_what_they_are_given_and_lose_it(running: Site, people: dict[str, Person], tmp_path: Path):
    ada, bob = people[READER], people[OPERATOR]
    # The programs, in the folder that they were given. Verification has seen the rows in the archive.
    topic = (sys.executable, "consume.py", TOPIC, "3")
    changes = [json.loads(line) for _twice in range(2) for line in ada.run(*topic).splitlines()]
    assert [each["value"]["user_id"] for each in changes] == [each["key"]["user_id"] for each in changes]
    # A second call goes on where the first one ended.
    assert len({(each["offset"], each["key"]["user_id"]) for each in changes}) == 6
    counted = ada.run(sys.executable, "archive.py", "SELECT count(*) > 2 AS there FROM changes", TOPIC)
    assert "true" in counted, counted
    java, class_path = java_of(running)
    (compiler,) = next(CACHE.glob("java_compiler-*")).glob("*.jar")
    ada.run(java, "-jar", str(compiler), "-21", "-proc:none", "-cp", class_path, "-d", str(tmp_path), "Consume.java")
    lines = ada.run(java, "-Xmx128m", "-cp", f"{tmp_path}:{class_path}", "Consume", TOPIC, "3").splitlines()
    assert sum('"user_id"' in line for line in lines) >= 3, lines

    # A reader reads, an operator does some more, and neither writes records or objects.
    assert ada.http() == {request: statuses[0] for request, statuses in HTTP.items()}
    assert bob.http() == {request: statuses[1] for request, statuses in HTTP.items()}
    for person in people.values():
        assert person.s3_may() == {"list": "allowed", "write": "AccessDenied", "delete": "AccessDenied"}
        assert person.may("topic", "read", TOPIC) and not person.may("topic", "write", TOPIC)
        assert person.may("group", "describe", f"{person.name}.x")
        assert not person.may("transactional_id", "write", f"{person.name}-x")
    for kind, action, name in (("topic", "read", "connect-configs"), ("group", "describe", "cdc-archive")):
        assert (ada.may(kind, action, name), bob.may(kind, action, name)) == (False, True), name

    # It is done, and stays so.
    before = running.processes()
    assert "nothing was changed" in cdc(running, "add", READER)
    again = running.run("--skip-tags", "java_caches").must_succeed()
    assert again.changed == 0, again.output[-6000:]
    assert running.processes() == before
    assert ada.http()["schema_registry", "GET", "/subjects"] == 200
    assert there(running) == {READER: "reader", OPERATOR: "operator"}

    with consuming(ada) as consumer:
        said = cdc(running, "remove", READER)
        refused = until(lambda: refusal(consumer), bool, 60, "the open connection is refused")
        assert refused in ("TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "_AUTHENTICATION"), refused
    for address in (*ada.login["kafka"]["bootstrap_servers"].split(","), ada.login["object_store"]["endpoint_url"]):
        assert address in said
    cdc(running, "remove", OPERATOR)
    for person in people.values():
        assert set(person.http().values()) == {401}
        assert set(person.s3_may().values()) == {"InvalidAccessKeyId"}
        with pytest.raises(PermissionError):
            person.may("topic", "read", TOPIC)
    assert there(running) == {}
    assert not [
        person.name for person in people.values() if (running.home / "credentials/people" / person.name).exists()
    ]
