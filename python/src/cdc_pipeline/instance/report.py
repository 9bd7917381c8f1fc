"""The report as a file and as a table."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from cdc_pipeline.instance.finding import Finding

_WIDEST_FOUND = 70


def write_report(findings: Sequence[Finding], path: Path) -> None:
    """The findings as a JSON list, put in place atomically.

    What root writes into another user's folder is given to that user, who would otherwise own a checkout with
    files that cannot be removed.

    Raises:
        OSError: it cannot be written.
    """
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    text = json.dumps([finding.as_record() for finding in findings], indent=2, default=str, ensure_ascii=False)
    temporary.write_text(text + "\n", encoding="utf-8")
    give_to_owner([*made, temporary])
    temporary.replace(path)


def give_to_owner(paths: Sequence[Path]) -> None:
    """Files and folders that root has made, to the owner of the nearest folder that was there before."""
    if os.geteuid() != 0 or not paths:
        return
    above = next(folder for folder in paths[0].parents if folder not in paths)
    owner = above.stat()
    for path in paths:
        os.chown(path, owner.st_uid, owner.st_gid)


def print_table(findings: Sequence[Finding], stream: TextIO) -> None:
    """A line a finding, and for each failure what to do next."""
    fancy = stream.isatty() and (stream.encoding or "").lower().replace("-", "") == "utf8"
    good, bad = ("✓", "✗") if fancy else ("ok", "FAILED")
    mark_width = max(len(good), len(bad))
    id_width = max((len(finding.id) for finding in findings), default=0)
    requirement_width = max((len(finding.requirement) for finding in findings), default=0)
    columns = shutil.get_terminal_size((160, 24)).columns if stream.isatty() else 200
    for finding in findings:
        mark = (good if finding.ok else bad).ljust(mark_width)
        name = f"{finding.id.ljust(id_width)}  {finding.requirement.ljust(requirement_width)}"
        line = f"{mark}  {name}  {finding.seconds:5.2f} s  {finding.what}: {_text(finding.found)}"
        print(line if len(line) <= columns else line[: columns - 3] + "...", file=stream)
    failed = [finding for finding in findings if not finding.ok]
    for finding in failed:
        proves = f" ({finding.requirement})" if finding.requirement else ""
        print(f"\n{finding.id}{proves}: {finding.what}", file=stream)
        print(f"  expected  {_text(finding.expected, 1000)}", file=stream)
        print(f"  found     {_text(finding.found, 1000)}", file=stream)
        if finding.hint:
            print(f"  next      {finding.hint}", file=stream)


def summary(findings: Sequence[Finding], left_out: int = 0) -> str:
    """How it went, in a line."""
    failed = sum(not finding.ok for finding in findings)
    if not findings:
        return "no checks were made"
    said = f"{failed} of {len(findings)} checks FAILED" if failed else f"all {len(findings)} checks ok"
    return said + (f"; {left_out} groups of checks that write were left out" if left_out else "")


def _text(value: Any, widest: int = _WIDEST_FOUND) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= widest else text[: widest - 3] + "..."
