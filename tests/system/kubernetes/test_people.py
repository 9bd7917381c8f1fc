# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People get a login by `cdc user` in a cluster, use it with what they are given alone, and lose it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import HTTP, Person
from pipeline import Pipeline
from site_runs import Site

# Kafka keeps how far groups have read, also of people who are gone.
READER, OPERATOR = f"ada-{uuid.uuid4().hex[:6]}", f"bob_{uuid.uuid4().hex[:6]}"
TOPIC = "postgres.public.users"
REGISTRY = "schema-registry"
# Each of two commands waits for the kubelets and for a registry that starts, and the second one for the first.
SECONDS = 900


def command(site: Site, *arguments: str) -> list[str]:
    return [str(site.home / "bin" / "cdc"), "user", *arguments, "--home", str(site.home)]


def cdc(site: Site, *arguments: str) -> str:
    done = subprocess.run(command(site, *arguments), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done
    return done.stdout


def uids(pipeline: Pipeline) -> dict[str, str]:
    """Workload of every pod by the pod's uid."""
    found = [pod["metadata"] for pod in pipeline.pods().values()]
    return {each["uid"]: each["labels"]["app.kubernetes.io/name"] for each in found}


@pytest.fixture
def people(pipeline: Pipeline, site: Site, tmp_path: Path) -> Iterator[dict[str, Person]]:
    """A reader and an operator, who are added at the same time; nobody at the end."""
    adding = [
        subprocess.Popen(command(site, "add", *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for words in ((READER,), (OPERATOR, "--operator"))
    ]
    said = [process.communicate(timeout=SECONDS)[0] for process in adding]
    try:
        assert [process.returncode for process in adding] == [0, 0], said
        found = {}
        for name, text in zip((READER, OPERATOR), said, strict=True):
            folder = site.home / "credentials" / "people" / name
            # It is handed over.
            person = found[name] = Person(shutil.copytree(folder, tmp_path / name))
            assert str(folder) in text and "schema registry: its pod is replaced" in text
            assert person.password not in text
        yield found
    finally:
        for name in (READER, OPERATOR):
            subprocess.run(command(site, "remove", name), capture_output=True, timeout=SECONDS, check=False)
        pipeline.settled(300)


@pytest.mark.full
@pytest.mark.timeout(4 * SECONDS)
def test_people_use_what_they_are_given_and_lose_it(
    pipeline: Pipeline, site: Site, people: dict[str, Person], tmp_path: Path
):
    ada, bob = people[READER], people[OPERATOR]
    read = ada.run(sys.executable, "consume.py", TOPIC, "3").splitlines()
    assert len({json.loads(line)["offset"] for line in read}) == 3
    counted = ada.run(sys.executable, "archive.py", "SELECT count(*) > 2 AS there FROM changes", TOPIC)
    assert "true" in counted, counted
    assert "watchdog" not in ada.login
    assert ada.http() == {request: HTTP[request][0] for request in ada.requests()}
    assert bob.http() == {request: HTTP[request][1] for request in bob.requests()}
    assert len(ada.requests()) == len(HTTP) - 1
    for person in people.values():
        assert person.s3_may() == {"list": "allowed", "write": "AccessDenied", "delete": "AccessDenied"}
        assert person.may("topic", "read", TOPIC) and not person.may("topic", "write", TOPIC)
        assert person.may("group", "describe", f"{person.name}.x")
    for kind, action, name in (("topic", "read", "connect-configs"), ("group", "describe", "cdc-archive")):
        assert (ada.may(kind, action, name), bob.may(kind, action, name)) == (False, True), name

    # It is done, and stays so.
    before = uids(pipeline)
    assert "nothing was changed" in cdc(site, "add", READER)
    again = site.run("--skip-tags", "verify", timeout=1200).must_succeed()
    assert again.changed == 0, again.output[-6000:]
    assert uids(pipeline) == before
    listed = {each["name"]: each["right"] for each in json.loads(cdc(site, "list", "--json"))}
    assert listed == {READER: "reader", OPERATOR: "operator"}

    said = cdc(site, "remove", READER)
    addresses = [*ada.login["kafka"]["bootstrap_servers"].split(","), ada.login["object_store"]["endpoint_url"]]
    pods = [
        name for each in ("kafka-connect", "connectors", "archive", "monitor", REGISTRY) for name in pipeline.pods(each)
    ]
    assert not [each for each in (*addresses, *(f"pod {name}" for name in pods)) if each not in said], said
    cdc(site, "remove", OPERATOR)
    for person in people.values():
        assert set(person.http().values()) == {401}
        assert set(person.s3_may().values()) == {"InvalidAccessKeyId"}
        with pytest.raises(PermissionError):
            person.may("topic", "read", TOPIC)
    assert json.loads(cdc(site, "list", "--json")) == []
    after = uids(pipeline)
    assert {before[uid] for uid in before.keys() - after.keys()} == {REGISTRY}, "another pod was replaced"
