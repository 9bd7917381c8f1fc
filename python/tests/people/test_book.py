"""Who may have which name, and the file in which people are stated."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from cdc_pipeline.endpoints import (
    AlertmanagerEndpoint,
    ArchiveEndpoint,
    Endpoints,
    KafkaConnectEndpoint,
    KafkaEndpoint,
    Keys,
    Login,
    MonitoringEndpoint,
    ObjectStoreEndpoint,
    PostgresqlEndpoint,
    SchemaRegistryEndpoint,
)
from cdc_pipeline.people.book import (
    FILE,
    alone,
    new_person,
    problem_with,
    read_people,
    running_playbook,
    taken_names,
    write_people,
)
from cdc_pipeline.people.logins import OPERATOR, READER, Person


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "people").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["ada", "a1", "ada-lovelace", "ada_l", "a" * 31])
def test_names_that_may_be_had(name: str) -> None:
    assert problem_with(name, ()) is None


@pytest.mark.parametrize(
    "name",
    ["", "a", "A", "Ada", "1a", "-a", "a.b", "a:b", "a b", "a=b", "a/b", "../a", "ä1", "a\n", "a" * 32, "a;exit", "*a"],
)
def test_names_that_some_server_would_take_for_something_else(name: str) -> None:
    assert "lowercase letters" in (problem_with(name, ()) or "")


@pytest.mark.parametrize("name", ["kafka_admin", "kafka_new", "pipeline", "reader", "anonymous", "theirs"])
def test_names_of_the_pipelines_own(name: str) -> None:
    assert "own programs" in (problem_with(name, {"theirs"}) or "")


def test_the_names_that_programs_have_in_this_instance() -> None:
    endpoints = Endpoints(
        PostgresqlEndpoint("h", 1, "d", "u", "p"),
        KafkaEndpoint("h:1", users={"kafka_admin": "x"}),
        SchemaRegistryEndpoint("u", Login("r1", "x"), Login("w1", "x")),
        KafkaConnectEndpoint("u", reader=Login("r2", "x"), writer=None),
        ObjectStoreEndpoint("b", "key1", "s", archive=Keys("key2", "s")),
        ArchiveEndpoint("u", reader=Login("r3", "x")),
        monitoring=MonitoringEndpoint("u", "", Login("r4", "x"), AlertmanagerEndpoint(operator=Login("o4", "x"))),
    )
    assert taken_names(endpoints) >= {"kafka_admin", "r1", "w1", "r2", "key1", "key2", "r3", "r4", "o4"}


def test_a_password_needs_no_escaping_and_is_another_each_time() -> None:
    made = {new_person("ada", READER).password for _ in range(20)}
    assert len(made) == 20
    assert all(len(each) == 32 and each.isascii() and each.isalnum() and each[0].isalpha() for each in made)
    assert "password" not in repr(new_person("ada", READER))


def test_people_are_kept_for_root_alone(home: Path) -> None:
    assert read_people(home) == {}
    people = {"bob": Person("bob", OPERATOR, "b" * 32, leaving=True), "ada": Person("ada", READER, "a" * 32)}
    write_people(home, people)
    assert read_people(home) == people
    assert (home / FILE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (home / "credentials").iterdir()) == ["people.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"ada": {"right": "reader"}}',
        '{"ada": {"right": "root", "password": "hunter2"}}',
        '{"ada": "hunter2"}',
    ],
)
def test_a_file_that_is_not_as_written_is_refused_without_its_text(home: Path, text: str) -> None:
    (home / FILE).write_text(text)
    with pytest.raises(ValueError, match=str(home / FILE)) as refused:
        read_people(home)
    assert "hunter2" not in str(refused.value)


def test_one_waits_for_the_other(home: Path) -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with alone(home, waits.set):
            order.append("second")

    with alone(home, lambda: order.append("waited")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_playbook_that_is_at_work_is_seen(home: Path) -> None:
    assert running_playbook(home) is None
    start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    lock = home / "run.lock"
    lock.write_text(
        json.dumps({"pid": os.getpid(), "start": start, "command": "ansible-playbook site.yml", "since": ""})
    )
    assert running_playbook(home) == f"process {os.getpid()}: ansible-playbook site.yml"
    # The number is another process's by now.
    lock.write_text(json.dumps({"pid": os.getpid(), "start": start + 1, "command": "", "since": ""}))
    assert running_playbook(home) is None
    lock.write_text("")
    assert running_playbook(home) is None
