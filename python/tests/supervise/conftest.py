"""Replicas for the tests of the supervision tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.supervise.replica import Replica, read_replica


@pytest.fixture
def write_replica(tmp_path: Path):
    """Writes a replica's file as the workload role does."""

    def write(name: str = "web-0", **changes: Any) -> Path:
        start = {
            "command": ["/bin/true"],
            "env": {"PATH": "/usr/bin:/bin"},
            "cwd": str(tmp_path),
            "user": None,
            "memory_bytes": None,
            "stop_signal": "TERM",
            "lock": str(tmp_path / f"{name}.lock"),
            **changes.pop("start", {}),
        }
        document = {
            "name": name,
            "instance": "test",
            "start": start,
            "steps": {},
            "ports": {},
            "stop_grace": 5,
            "probes": {},
            "gate": None,
            **changes,
        }
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def make_replica(write_replica):
    """A replica as the tools read it."""

    def make(**changes: Any) -> Replica:
        return read_replica(write_replica(**changes))

    return make
