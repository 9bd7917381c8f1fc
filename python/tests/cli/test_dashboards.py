"""`cdc dashboards`."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.cli import dashboards

Cdc = Callable[..., tuple[int, str, str]]


@pytest.fixture
def watched(instance_in: Callable[..., Path]) -> Path:
    """The folder of an instance that is watched, on a host without metrics of Java."""
    home = instance_in()
    path = home / "verify-plan.json"
    plan: dict[str, Any] = json.loads(path.read_text())
    where = {"url": "https://127.0.0.1:30090", "page": {"url": "https://127.0.0.1:30099"}}
    plan["endpoints"] = {**plan["endpoints"], "monitoring": where}
    expected = {"workloads": ["monitor"], "java": False, "runbooks": "https://example.org/", "scrape_seconds": 15}
    plan["expected"] = {**plan["expected"], "monitoring": expected}
    plan["workloads"] = [{"name": "monitor", "role": "monitoring"}]
    path.write_text(json.dumps(plan))
    return home


def test_it_names_the_page(cdc: Cdc, watched: Path) -> None:
    code, said, _errors = cdc("dashboards", "--home", watched)
    assert code == 0 and "https://127.0.0.1:30099/#overview" in said


def test_a_forwarded_page_is_at_a_free_port_until_it_is_ended(
    cdc: Cdc,
    watched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    way = {"host": "127.0.0.1", "port": 30099, "workload": "monitor", "pod_port": 30099, "ordinal": None}
    note = json.loads((watched / "instance.json").read_text())
    config = {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}]}
    config |= {
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    cluster = {"kubeconfig": str(tmp_path / "kubeconfig")}
    note |= {"runtime": "kubernetes", "forwards": [way], "cluster": cluster}
    (watched / "instance.json").write_text(json.dumps(note))
    code, said, _errors = cdc("dashboards", "--home", watched)
    assert code == 0 and "https://127.0.0.1:30099/#overview" in said and "cdc dashboards --forward" in said
    listening: list[str] = []

    def look() -> None:
        """In place of whoever looks at the page, then ends the command."""
        listening.extend(re.findall(r"https://127\.0\.0\.1:(\d+)/#overview", capsys.readouterr().out))
        socket.create_connection(("127.0.0.1", int(listening[0])), 5).close()

    monkeypatch.setattr(dashboards, "wait", look)
    assert cdc("dashboards", "--forward", "--home", watched)[0] == 0
    assert listening and listening != ["30099"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(listening[0])), 5)


def test_where_the_page_answers_by_itself_nothing_is_forwarded(cdc: Cdc, watched: Path) -> None:
    code, said, _errors = cdc("dashboards", "--forward", "--home", watched)
    assert code == 0 and "https://127.0.0.1:30099/#overview" in said and "Ctrl-C" not in said


def written(folder: Path) -> dict[str, tuple[str, int]]:
    """Text and time of each file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_text(), path.stat().st_mtime_ns) for path in files}


def test_it_writes_what_this_pipeline_has(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    folder = tmp_path / "of/grafana"
    assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0
    found = written(folder)
    assert "dashboards/cdc-overview.json" in found and sum(name.startswith("dashboards/") for name in found) == 7
    text = str(found)
    assert "https://example.org/ChangesLate.md" in text and '"15s"' in text and "jvm_memory" not in text
    # Again: nothing changes.
    assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0
    assert written(folder) == found
    # What is not as it was becomes so again.
    (folder / "dashboards/cdc-overview.json").write_text("{}")
    assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0
    assert {name: text for name, (text, _time) in written(folder).items()} == {
        name: text for name, (text, _time) in found.items()
    }


def test_it_writes_no_secret_and_grafana_may_read_all(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    path = watched / "verify-plan.json"
    plan = json.loads(path.read_text())
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    login = {"ca": str(tmp_path / "ca.pem"), "reader": {"username": "reader", "password": "hunter2"}}
    plan["endpoints"]["monitoring"] |= login
    path.write_text(json.dumps(plan))
    folder = tmp_path / "grafana"
    before = os.umask(0o077)
    try:
        assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0
    finally:
        os.umask(before)
    text = str(written(folder))
    assert "hunter2" not in text and "basicAuthUser: reader" in text and "BEGIN CERTIFICATE" in text
    assert all(each.stat().st_mode & 0o004 for each in (folder, *folder.rglob("*")))


def test_it_leaves_a_folder_of_something_else_alone(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/README.md").write_text("mine")
    code, _said, errors = cdc("dashboards", "--home", watched, "--grafana", tmp_path / "mine")
    assert code == 1 and "Choose an empty folder" in errors
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["README.md"]


def test_it_says_where_it_cannot_write(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _said, errors = cdc("dashboards", "--home", watched, "--grafana", tmp_path / "file" / "folder")
    assert code == 1 and "cannot be written" in errors


def test_without_monitoring_there_are_none(cdc: Cdc, instance_in: Callable[..., Path]) -> None:
    code, _said, errors = cdc("dashboards", "--home", instance_in())
    assert code == 1 and "monitoring_enabled: true" in errors
