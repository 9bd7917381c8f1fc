"""What is ok and what is not of artifacts and processes, without a supervisor."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cdc_pipeline.supervise.rpc import Process
from cdc_pipeline.verify.checks.artifacts import judge_sums, read_sums, sums_of
from cdc_pipeline.verify.checks.services import (
    judge_applied,
    judge_bounds,
    judge_disk,
    judge_processes,
    judge_processors,
    judge_users,
)


def test_a_jar_that_was_altered_is_named(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "a.jar").write_bytes(b"a")
    (tmp_path / "libs" / "b.jar").write_bytes(b"b")
    sums = tmp_path / "sums"
    sums.write_text("".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}.jar\n" for name in "ab"))
    assert judge_sums("kafka", read_sums(sums), sums_of(tmp_path)).ok
    (tmp_path / "libs" / "ours-services.jar").write_bytes(b"our own is not pinned")
    assert judge_sums("kafka", read_sums(sums), sums_of(tmp_path)).ok
    (tmp_path / "libs" / "b.jar").write_bytes(b"x")
    assert judge_sums("kafka", read_sums(sums), sums_of(tmp_path)).found == ["b.jar"]
    (tmp_path / "libs" / "a.jar").unlink()
    assert judge_sums("kafka", read_sums(sums), sums_of(tmp_path)).found == ["a.jar", "b.jar"]


def test_a_process_that_does_not_run_is_named() -> None:
    runs, lost = Process("a-0", "RUNNING", 1, 1), Process("b-0", "BACKOFF", 0, 1)
    assert judge_processes({"a-0": runs}).ok
    assert judge_processes({"a-0": runs, "b-0": lost}).found == {"b-0": "BACKOFF"}


def test_nothing_runs_as_root() -> None:
    assert judge_users({"a-0": 998}).ok
    assert judge_users({"a-0": 998, "b-0": 0}).found == ["b-0"]


def test_a_process_that_is_tied_to_one_of_two_processors_is_named() -> None:
    assert judge_processors({"a-0": 2, "b-0": 2}, 2).ok
    assert judge_processors({"a-0": 2, "b-0": 1}, 2).found == {"b-0": 1}


def test_a_change_that_was_not_taken_over_is_named() -> None:
    assert judge_applied(["a-0"], ["a-0"]).ok
    assert judge_applied(["a-0", "b-0"], ["a-0"]).found == ["b-0"]


def test_the_kernel_holds_each_to_its_own_limit() -> None:
    assert judge_bounds({"a-0": 5}, {"a-0": 5}).ok
    assert judge_bounds({"a-0": 5, "b-0": 6}, {"a-0": 5, "b-0": None}).found == {"b-0": None}
    assert judge_bounds({"a-0": 5}, {"a-0": 7}).found == {"a-0": 7}


def test_disk_that_runs_short() -> None:
    assert judge_disk(512 * 1024**2, 512, "/srv").ok
    assert not judge_disk(511 * 1024**2, 512, "/srv").ok
