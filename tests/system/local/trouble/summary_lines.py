# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The line that a run prints at its end: a query of the archive."""

from __future__ import annotations

import re
import subprocess


def query(output: str) -> str:
    """The line, as it is pasted."""
    (found,) = re.findall(r"^ *Query +(\S.*)$", output, re.MULTILINE)
    return found


def pasted(line: str, *prefix: str) -> list[int]:
    """What a line shows in its first column, pasted into a shell (after ``prefix``, as who runs it)."""
    done = subprocess.run(
        [*prefix, "bash", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return [int(number) for number in re.findall(r"^ *(\d+) ", done.stdout, re.MULTILINE)]
