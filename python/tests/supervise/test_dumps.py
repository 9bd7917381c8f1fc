"""No process of an instance leaves its memory in a file."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FORBID = "from cdc_pipeline.supervise.dumps import forbid; forbid()"
# A child that ends as by an error of its own.
CRASH = "import os, resource, subprocess; subprocess.run(['/bin/sh', '-c', 'kill -SEGV $$'])"


def run(folder: Path, code: str, limit: tuple[int, int]) -> str:
    """What a Python program prints that begins with these limits."""
    done = subprocess.run(
        [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{code}"],
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, limit),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def cores(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.read_bytes().startswith(b"\x7fELF")]


def test_what_crashes_leaves_no_core(tmp_path: Path):
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    run(tmp_path, CRASH, (hard, hard))
    if not cores(tmp_path):
        pytest.skip("the kernel here writes no core to a file of its folder")
    for path in tmp_path.iterdir():
        path.unlink()
    run(tmp_path, f"{FORBID}\n{CRASH}", (hard, hard))
    assert cores(tmp_path) == []


@pytest.mark.parametrize(("hard", "then"), [(resource.RLIM_INFINITY, 1), (1 << 20, 1), (1, 1), (0, 0)])
def test_the_limit_holds_for_good(tmp_path: Path, hard: int, then: int):
    found = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if found != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or hard > found):
        pytest.skip("the limit is lower here")
    shown = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    assert run(tmp_path, f"{FORBID}\n{shown}", (0, hard)) == f"({then}, {then})"
