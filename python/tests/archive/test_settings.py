"""The configuration: everything wrong is named at once, secrets come from files and never show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cdc_pipeline.archive import clients, settings
from cdc_pipeline.archive.cli import main
from cdc_pipeline.archive.errors import ConfigurationError
from certificates import Authority

RIGHT: dict[str, Any] = {
    "group_id": "g",
    "topics": ["a"],
    "kafka": {"bootstrap_servers": "k:9092"},
    "schema_registry": {"url": "http://r"},
    "object_store": {"bucket": "b"},
}


def write(folder: Path, raw: Any) -> Path:
    path = folder / "archive.yml"
    path.write_text(yaml.safe_dump(raw))
    return path


def problems(folder: Path, raw: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        settings.load(write(folder, raw))
    return caught.value.problems


def test_defaults_are_those_of_the_protocol(tmp_path: Path) -> None:
    got = settings.load(write(tmp_path, RIGHT))
    assert (got.flush_records, got.flush_seconds, got.dlq_suffix) == (1000, 60.0, ".dlq")
    assert got.schema_registry.unknown_schema_seconds == 30.0


def test_everything_wrong_is_named_at_once(tmp_path: Path) -> None:
    raw = RIGHT | {"flush_record": 5, "flush_seconds": "soon", "http": {"prot": 1}, "kafka": {}, "workers": True}
    assert problems(tmp_path, raw) == [
        "flush_record: no such key; did you mean flush_records?",
        "flush_seconds: must be a number",
        "kafka.bootstrap_servers: is required",
        "http.prot: no such key; did you mean port?",
        "workers: must be a whole number",
    ]


def test_values_out_of_range_are_named_at_once(tmp_path: Path) -> None:
    raw = RIGHT | {"flush_records": 0, "dlq_suffix": "dlq", "topics": ["a", "a", "b/c"], "log_level": "loud"}
    raw["kafka"] = {"bootstrap_servers": "k", "properties": {"group.id": "x"}}
    raw["object_store"] = {"bucket": "b", "addressing": "auto", "prefix": "/x", "endpoint_url": "s3:8333"}
    assert len(problems(tmp_path, raw)) == 9


@pytest.mark.parametrize(
    ("properties", "accepted"),
    [
        ({"socket.timeout.ms": 30_000}, True),
        ({"socket.timeout.ms": "30001"}, False),
        ({"socket.timeout.ms": 60_000, "transaction.timeout.ms": 60_000}, True),
        ({"transaction.timeout.ms": 10_000, "socket.timeout.ms": 10_000}, True),
        ({"transaction.timeout.ms": 10_000}, False),
    ],
)
def test_time_outs_are_refused_that_a_producer_would_refuse(
    tmp_path: Path, properties: dict[str, Any], accepted: bool
) -> None:
    raw = RIGHT | {"kafka": {"bootstrap_servers": "127.0.0.1:1", "properties": properties}}
    if accepted:
        clients.producer(settings.load(write(tmp_path, raw)))
    else:
        assert ["socket.timeout.ms" in each for each in problems(tmp_path, raw)] == [True]


@pytest.mark.parametrize("raw", [RIGHT | {"topic_pattern": "^a"}, {k: v for k, v in RIGHT.items() if k != "topics"}])
def test_topics_or_pattern(tmp_path: Path, raw: dict[str, Any]) -> None:
    assert problems(tmp_path, raw) == ["topics: give either topics or topic_pattern"]


def test_secrets_come_from_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "s3.yml").write_text("access_key_id: key\nsecret_access_key: s3cret\n")
    (tmp_path / "kafka.yml").write_text("sasl.password: s3cret\n")
    raw = RIGHT | {
        "kafka": {"bootstrap_servers": "k", "properties": {"sasl.username": "u"}, "properties_file": "kafka.yml"},
        "schema_registry": {"url": "http://r", "username": "reader", "password_file": "password"},
        "object_store": {"bucket": "b", "credentials_file": "s3.yml"},
    }
    got = settings.load(write(tmp_path, raw))
    assert got.schema_registry.password == "s3cret"
    assert got.object_store.secret_access_key == "s3cret"
    assert got.kafka.properties == {"sasl.username": "u", "sasl.password": "s3cret"}
    assert "s3cret" not in repr((got.schema_registry, got.object_store))


def test_one_secrets_file_is_merged_over_all(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text(yaml.safe_dump({"schema_registry": {"password": "p"}}))
    raw = RIGHT | {"secrets_file": "secrets.yml", "schema_registry": {"url": "http://r", "username": "u"}}
    assert settings.load(write(tmp_path, raw)).schema_registry.password == "p"


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    raw = RIGHT | {"object_store": {"bucket": "b", "credentials_file": "nowhere.yml"}}
    assert "credentials_file" in problems(tmp_path, raw)[0]


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "empty.pem").write_text("no certificate\n")
    registry = {"url": "https://r", "ca_file": "nowhere.pem"}
    raw = RIGHT | {"schema_registry": registry, "object_store": {"bucket": "b", "ca_file": "empty.pem"}}
    missing, empty = problems(tmp_path, raw)
    assert missing.startswith("schema_registry.ca_file") and str(tmp_path / "nowhere.pem") in missing
    assert empty.startswith("object_store.ca_file") and str(tmp_path / "empty.pem") in empty
    (tmp_path / "nowhere.pem").write_bytes(authority.ca.read_bytes())
    (tmp_path / "empty.pem").write_bytes(authority.ca.read_bytes())
    assert settings.load(write(tmp_path, raw)).object_store.ca_file == str(tmp_path / "empty.pem")


def test_what_is_served_with_a_certificate_and_to_whom(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.certificate("localhost")
    (tmp_path / "secrets.yml").write_text("http: {password: hunter2}")
    http = {"certificate_file": str(certificate), "key_file": str(key), "username": "reader"}
    got = settings.load(write(tmp_path, RIGHT | {"http": http, "secrets_file": "secrets.yml"})).http.access
    assert (got.certificate, got.key) == (str(certificate), str(key))
    assert got.login is not None and got.login.password == "hunter2"
    assert "hunter2" not in repr(got)
    assert settings.load(write(tmp_path, RIGHT)).http.access.context() is None


def test_what_cannot_be_served_is_named(tmp_path: Path, authority: Authority) -> None:
    certificate, other = authority.certificate("localhost")[0], authority.certificate("localhost")[1]
    assert problems(tmp_path, RIGHT | {"http": {"certificate_file": "a.pem", "username": "reader"}}) == [
        "http: certificate_file and key_file belong together",
        "http: username and password belong together",
    ]
    (said,) = problems(tmp_path, RIGHT | {"http": {"certificate_file": str(certificate), "key_file": "no.pem"}})
    assert said.startswith("http.certificate_file and key_file: ") and str(tmp_path / "no.pem") in said
    (said,) = problems(tmp_path, RIGHT | {"http": {"certificate_file": str(certificate), "key_file": str(other)}})
    assert "is not that of the certificate" in said


def test_a_broken_secret_file_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "s3.yml").write_text("access_key_id: [s3cret")
    raw = RIGHT | {"object_store": {"bucket": "b", "credentials_file": "s3.yml"}}
    assert "s3cret" not in str(problems(tmp_path, raw))


def test_the_command_says_so_and_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(write(tmp_path, RIGHT | {"topic": []}))]) == 2
    assert "did you mean topics?" in capsys.readouterr().err
    assert main(["check-config", "--config", str(write(tmp_path, RIGHT))]) == 0


def test_the_example_in_the_readme_is_right(tmp_path: Path) -> None:
    text = (Path(settings.__file__).parent / "README.md").read_text()
    example = yaml.safe_load(text.split("```yaml\n", 1)[1].split("```", 1)[0])
    got = settings.load(write(tmp_path, example))
    assert got.http == settings.Http()
    assert got.memory == settings.Memory()
    plain = settings.load(
        write(
            tmp_path,
            {k: example[k] for k in ("kafka", "schema_registry", "object_store", "group_id")} | {"topics": ["a"]},
        )
    )
    for key in (
        "flush_records",
        "flush_seconds",
        "workers",
        "session_timeout_seconds",
        "shutdown_seconds",
        "retry_seconds",
    ):
        assert getattr(got, key) == getattr(plain, key), f"{key} is documented with another default"


# --- memory

MIB = 1 << 20


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"memory": {"limit_bytes": 200 * MIB}}, "max_row_bytes"),
        ({"max_row_bytes": 64 * MIB}, "max_row_bytes"),
        ({"memory": {"buffer_bytes": 400 * MIB}}, "memory.buffer_bytes"),
        ({"memory": {"tile_bytes": 64 * MIB}}, "memory.tile_bytes"),
        ({"memory": {"fetch_bytes": 200 * MIB}}, "memory.fetch_bytes"),
    ],
    ids=str,
)
def test_a_sum_above_the_memory_limit_is_refused_with_its_parts(
    tmp_path: Path, more: dict[str, Any], named: str
) -> None:
    (problem,) = problems(tmp_path, RIGHT | more)
    assert problem.startswith("memory.limit_bytes: ") and named in problem and "buffered records" in problem


@pytest.mark.parametrize("limit", [512 * MIB, 768 * MIB, 2048 * MIB, 16_384 * MIB])
def test_the_parts_follow_from_the_limit(tmp_path: Path, limit: int) -> None:
    got = settings.load(write(tmp_path, RIGHT | {"memory": {"limit_bytes": limit}})).budget
    assert got.total <= limit
    assert got.buffer > 16 * MIB


def test_librdkafka_takes_the_settings_that_bound_it(tmp_path: Path) -> None:
    for row in (1 * MIB, 16 * MIB, 200 * MIB):
        raw = RIGHT | {"max_row_bytes": row, "memory": {"limit_bytes": 8192 * MIB}}
        raw["kafka"] = {"bootstrap_servers": "127.0.0.1:1"}
        got = settings.load(write(tmp_path, raw))
        clients.consumer(got).close()
        clients.producer(got)
