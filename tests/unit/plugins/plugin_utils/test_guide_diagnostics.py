# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.layout import Instance
from ansible_collections.cdc.pipeline.plugins.plugin_utils import _diagnostics
from ansible_collections.cdc.pipeline.plugins.plugin_utils._diagnostics import Failure, collect, prune, readable

FAILURE = Failure(
    "Kafka | Run 3 brokers", "kafka", "main.yml:1", "localhost", {"msg": "no hunter2secret", "invocation": {"x": 1}}
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for folder in ("log", "supervisor", "kafka-0/log", "kafka-0/secrets", "postgresql-0/log"):
        (home / folder).mkdir(parents=True)
    (home / "log/kafka-0.log").write_text(
        "\n".join(f"line {number}" for number in range(500)) + "\npassword=tiger4711\n"
    )
    (home / "log/postgresql-0.log").write_text("fine\n")
    (home / "kafka-0/log/gc.log").write_text("pause\n")
    (home / "kafka-0/secrets/x.properties").write_text("password=tiger4711\n")
    return home


def test_what_is_collected(home, tmp_path):
    folder = tmp_path / "reports/a"
    assert collect(folder, FAILURE, Instance(name="local", home=home), "kafka", ["hunter2secret"]) == []
    names = {path.name for path in folder.iterdir()}
    assert names == {"failure.txt", "result.json", "host.txt", "supervisor.txt", "kafka-0.log", "kafka-0-gc.log"}
    log = (folder / "kafka-0.log").read_text().splitlines()
    assert len(log) == 200
    assert log[-1] == "********"
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "tiger4711" not in text
    assert "hunter2secret" not in text
    assert "invocation" not in (folder / "result.json").read_text()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_component_all_logs_are_taken(home, tmp_path):
    collect(tmp_path / "a", FAILURE, Instance(name="local", home=home), "", [])
    assert (tmp_path / "a/postgresql-0.log").exists()


def test_an_instance_that_is_not_there_yet(tmp_path):
    missing = tmp_path / "nothing"
    assert readable(missing)
    assert collect(tmp_path / "a", FAILURE, Instance(name="local", home=missing), "kafka", []) == []


def test_a_log_that_cannot_be_read_is_named(home, tmp_path, monkeypatch):
    def refuse(path: Path) -> str:
        raise PermissionError(f"Permission denied: {path.name}")

    monkeypatch.setattr(_diagnostics, "_end", refuse)
    problems = collect(tmp_path / "a", FAILURE, Instance(name="local", home=home), "kafka", [])
    assert problems[0] == "Permission denied: kafka-0.log"


def test_old_folders_go(tmp_path):
    for number in range(30):
        (tmp_path / f"202601{number:02}-kafka").mkdir()
    prune(tmp_path, keep=20)
    assert len(list(tmp_path.iterdir())) == 20
    assert not (tmp_path / "20260109-kafka").exists()
