# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A file above 400 lines says why in its first 15, in a line that begins with the words below."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG, FIRST = 400, 15
# In a docstring, or as a comment of Python, YAML, a shell or Java.
REASON = re.compile(r'\s*(#|//|\*|"""|/\*\*?)?\s*Longer than 400 lines: \S')
SUFFIXES = ("*.py", "*.java", "*.yml", "*.sh")


def unexplained(text: str) -> bool:
    lines = text.splitlines()
    return len(lines) > LONG and not any(REASON.match(line) for line in lines[:FIRST])


def test_a_long_file_has_its_reason():
    listed = subprocess.run(["git", "ls-files", *SUFFIXES], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # What tests compare manifests with is rendered, and as long as it is.
    files = [path for name in listed.splitlines() if "golden" not in (path := ROOT / name).parts and path.is_file()]
    assert len(files) > 500
    assert [str(path.relative_to(ROOT)) for path in files if unexplained(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("head", "lines", "wrong"),
    [
        ("", 400, False),
        ("", 401, True),
        ("# Longer than 400 lines: an entry for each variable.", 401, False),
        ("// Longer than 400 lines: a test for each class.", 401, False),
        (" * Longer than 400 lines: a test for each class.", 401, False),
        ('"""A module.\n\nLonger than 400 lines: a table.', 401, False),
        ("# Longer than 400 lines:", 401, True),
        ("# It is no longer than 400 lines: so it was.", 401, True),
        ("\n" * 14 + "# Longer than 400 lines: a table.", 401, False),
        ("\n" * 15 + "# Longer than 400 lines: a table.", 401, True),
    ],
)
def test_what_counts_as_a_reason(head: str, lines: int, wrong: bool):
    above = head.splitlines()
    assert unexplained("\n".join([*above, *["x"] * (lines - len(above))])) == wrong
