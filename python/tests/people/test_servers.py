"""What is asked of Kafka for people, how the store's shell is called, and what people are given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.people.handout import PROGRAMS, folder_of, hand_out, take_back
from cdc_pipeline.people.kafka import rules
from cdc_pipeline.people.logins import OPERATOR, READER, Person
from cdc_pipeline.people.store import shell_command
from cdc_pipeline.people.web import web_servers
from cdc_pipeline.shape import read

ADA = Person("ada", READER, "a1b2c3d4e5f6")
# As `weed server` is started by the role object_store.
SERVER = (
    "/cache/bin/weed",
    "-logtostderr=true",
    "-config_dir=/home/s/secrets",
    "server",
    "-disableHttp",
    "-ip=127.0.0.1",
    "-master.port=9333",
    "-master.port.grpc=19333",
    "-filer",
    "-filer.port=8888",
    "-filer.port.grpc=18888",
)


def shown(person: Person) -> set[str]:
    return {
        f"{rule.operation.name} {rule.restype.name} {rule.resource_pattern_type.name} {rule.name}"
        for rule in rules(person, "postgres")
        if (rule.principal, rule.host, rule.permission_type.name) == (f"User:{person.name}", "*", "ALLOW")
    }


def test_a_reader_reads_the_pipelines_topics_by_groups_of_its_own() -> None:
    assert shown(ADA) == {
        "READ TOPIC PREFIXED postgres.",
        "DESCRIBE_CONFIGS TOPIC PREFIXED postgres.",
        "READ GROUP PREFIXED ada.",
    }


def test_an_operator_looks_at_everything_and_writes_nothing() -> None:
    found = shown(Person("bob", OPERATOR, "x"))
    assert {"READ TOPIC LITERAL *", "DESCRIBE GROUP LITERAL *", "READ GROUP PREFIXED bob."} <= found
    assert {each.split()[0] for each in found} == {"READ", "DESCRIBE", "DESCRIBE_CONFIGS"}


def test_people_are_let_in_at_monitoring_where_there_is_some(endpoints: Endpoints) -> None:
    titles = [each.title for each in web_servers(endpoints, archive=True)]
    assert titles == ["Kafka Connect", "the watchdog", "the archive", "monitoring"]
    without = replace(endpoints, monitoring=None)
    assert [each.title for each in web_servers(without, archive=False)] == titles[:2]


def test_the_stores_shell_is_led_to_its_own_server() -> None:
    assert shell_command(SERVER) == [
        "/cache/bin/weed",
        "-config_dir=/home/s/secrets",
        "shell",
        "-master=127.0.0.1:9333.19333",
        "-filer=127.0.0.1:8888.18888",
    ]


@pytest.fixture
def endpoints(tmp_path: Path) -> Endpoints:
    (tmp_path / "one.pem").write_text("ONE\n")
    (tmp_path / "same.pem").write_text("ONE")
    (tmp_path / "other.pem").write_text("OTHER\n")
    (tmp_path / "page.pem").write_text("PAGE\n")
    login = {"username": "reader", "password": "own-secret"}
    document = {
        "postgresql": {"host": "h", "port": 1, "dbname": "d", "user": "u", "password": "own-secret"},
        "kafka": {
            "bootstrap_servers": "h:9092",
            "client": {"ssl.ca.location": f"{tmp_path}/one.pem", "sasl.password": "own-secret"},
            "users": {"kafka_admin": "own-secret"},
        },
        "schema_registry": {"url": "https://h/r", "reader": login, "writer": login, "ca": f"{tmp_path}/same.pem"},
        "kafka_connect": {"url": "https://h/c", "ca": f"{tmp_path}/other.pem"},
        "object_store": {
            "bucket": "b",
            "access_key_id": "own-secret",
            "secret_access_key": "own-secret",
            "prefix": "p",
        },
        "archive": {"url": "https://h/a"},
        "monitoring": {
            "url": "https://h/p",
            "reader": login,
            "page": {"url": "https://h/m", "ca": f"{tmp_path}/page.pem"},
        },
    }
    return read(Endpoints, document, "endpoints")


def test_what_is_given_has_all_of_their_own_and_no_secret_of_others(tmp_path: Path, endpoints: Endpoints) -> None:
    (tmp_path / "credentials").mkdir()
    assert hand_out(tmp_path, ADA, endpoints, ["t1", "t2"])
    assert not hand_out(tmp_path, ADA, endpoints, ["t1", "t2"])
    folder = folder_of(tmp_path, "ada")
    files = {path.name: path for path in folder.iterdir()}
    assert set(files) == {"login.json", "ca.pem", *PROGRAMS}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert files["ca.pem"].read_text() == "ONE\nOTHER\nPAGE\n"
    login = json.loads(files["login.json"].read_text())
    assert (login["username"], login["password"], login["kafka"]["topics"]) == ("ada", ADA.password, ["t1", "t2"])
    assert [login[name] for name in ("monitoring", "prometheus", "alertmanager")] == [
        "https://h/m",
        "https://h/m/prometheus",
        "https://h/m/alertmanager",
    ]
    assert not any("own-secret" in path.read_text() for path in files.values())
    # As where it was interrupted.
    files["consume.py"].unlink()
    assert hand_out(tmp_path, ADA, endpoints, ["t1", "t2"])
    assert files["consume.py"].exists()
    take_back(tmp_path, "ada")
    take_back(tmp_path, "ada")
    assert not folder.exists()
