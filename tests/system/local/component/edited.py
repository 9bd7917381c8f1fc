# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The made-up role in a copy of this checkout, with the edits that it takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from checkout import check_out

HERE = Path(__file__).resolve().parent
EDITS = HERE / "edits.diff"
ROLE = "bulletin"


def edits() -> list[str]:
    """The file of each hunk."""
    found = []
    for line in EDITS.read_text().splitlines():
        if line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
        elif line.startswith("@@ "):
            found.append(file)
    return found


def explained() -> list[str]:
    """The files of the edits that the README lists, in its order."""
    rows = re.findall(r"^\| (\d+) \| `([^`]+)` \| \S.*\|$", (HERE / "README.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _file in rows] == list(range(1, len(rows) + 1))
    return [file for _number, file in rows]


def edited_checkout(folder: Path) -> Path:
    """A copy of this checkout with the role, the edits, and what is generated."""
    copy = check_out(folder)
    shutil.copytree(HERE / "roles" / ROLE, copy / "roles" / ROLE)
    # A repository of its own, so that tools which ask git see this one.
    done_in(copy, "git", "init", "--quiet")
    done_in(copy, "git", "apply", str(EDITS))
    done_in(copy, ".ci/setup", "requirements-test.txt", ".venv-test")
    done_in(copy, ".venv-test/bin/python", "tests/tools/reference.py")
    return copy


def done_in(copy: Path, *command: str) -> str:
    """The output of a command that succeeds."""
    done = subprocess.run(
        command,
        cwd=copy,
        env=_environment(copy),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}"
    return done.stdout


def _environment(copy: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CDC_", "MAKE", "PWD"))
    }
    path = f"{copy}/.venv-test/bin:{os.environ['PATH']}"
    # ansible-lint looks for this collection there. In the user's own folder it would find that of another checkout.
    return {**kept, "PATH": path, "ANSIBLE_HOME": str(copy / ".ansible"), "NO_COLOR": "1"}
