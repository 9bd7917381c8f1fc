"""Memory bounds in control groups of both versions, on made-up file systems.

tests/integration/local/workload has real ones.
"""

from __future__ import annotations

import pytest
from cdc_pipeline.supervise.cgroup import bound_for, enter


@pytest.fixture
def version_1(tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("max")
    return tmp_path


@pytest.fixture
def version_2(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    for folder in ("cdc-pipeline", "cdc-pipeline/local"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cgroup.subtree_control").write_text("")
    return tmp_path


def test_version_1(version_1):
    bound = bound_for("local", "kafka-0", version_1)
    enter(bound, 1000, version_1, pid=42)
    folder = version_1 / "memory" / "cdc-pipeline" / "local" / "kafka-0"
    assert (folder / "memory.limit_in_bytes").read_text() == "1000"
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == "1000"
    assert (folder / "cgroup.procs").read_text() == "42"
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (folder / "memory.usage_in_bytes").write_text("512\n")
    assert (bound.kills(), bound.memory()) == (3, 512)


def test_version_2(version_2):
    bound = bound_for("local", "kafka-0", version_2)
    enter(bound, 1000, version_2, pid=42)
    folder = version_2 / "cdc-pipeline" / "local" / "kafka-0"
    assert (folder / "memory.max").read_text() == "1000" and (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "cgroup.procs").read_text() == "42"
    for path in (version_2, version_2 / "cdc-pipeline", version_2 / "cdc-pipeline" / "local"):
        assert (path / "cgroup.subtree_control").read_text() == "+memory"
    assert (bound.kills(), bound.memory()) == (0, 0)


def test_none(tmp_path):
    assert bound_for("local", "kafka-0", tmp_path) is None
    (tmp_path / "cgroup.controllers").write_text("cpu pids")
    assert bound_for("local", "kafka-0", tmp_path) is None
