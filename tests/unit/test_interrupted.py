# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "tools/interrupted.py"
# Ends with a code of its own when it is interrupted, which a shell that ignores the signal would not.
RUN = """\
import pathlib, sys, time
half, end = map(pathlib.Path, sys.argv[1:3])
try:
    half.touch()
    time.sleep(float(sys.argv[3]))
    end.touch()
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.fixture
def interrupt(tmp_path: Path):
    def call(code: str = RUN, seconds: float = 60, when: str = "ls half", before: str = "ls | grep end || true"):
        command = [sys.executable, "-c", code, "half", "end", str(seconds)]
        return subprocess.run(
            [sys.executable, SCRIPT, "--minutes", "0.1", "--when", when, "--before", before, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


def test_it_is_interrupted_half_way(interrupt, tmp_path):
    done = interrupt()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "half").exists() and not (tmp_path / "end").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "import sys; sys.exit(3)"}, "ended with 3 before"),
        ({"when": "ls never"}, "not within"),
        ({"code": "import signal; signal.signal(signal.SIGINT, lambda *_: exit(0))\n" + RUN}, "it ended well"),
        ({"before": "ls half"}, "too far already: half"),
        ({"before": "exit 1"}, "cannot be said"),
    ],
)
def test_what_is_not_half_way_fails(interrupt, changes, said):
    done = interrupt(**changes)
    assert done.returncode == 1 and said in done.stderr
