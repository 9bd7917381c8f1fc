"""`cdc dashboards`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def test_it_writes_what_this_pipeline_has(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    folder = tmp_path / "of/grafana"
    assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0
    files = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    assert "cdc-overview.json" in files and len(files) == 7
    text = json.dumps(files)
    assert "https://example.org/ChangesLate.md" in text and '"15s"' in text and "jvm_memory" not in text
    # Again, over what is there.
    assert cdc("dashboards", "--home", watched, "--grafana", folder)[0] == 0


def test_it_says_where_it_cannot_write(cdc: Cdc, watched: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _said, errors = cdc("dashboards", "--home", watched, "--grafana", tmp_path / "file" / "folder")
    assert code == 1 and "cannot be written" in errors


def test_without_monitoring_there_are_none(cdc: Cdc, instance_in: Callable[..., Path]) -> None:
    code, _said, errors = cdc("dashboards", "--home", instance_in())
    assert code == 1 and "monitoring_enabled: true" in errors
