"""T8: what the components run from is whole, and what was pinned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.step import Step

_REBUILD = "Remove the folder and run the site again, which rebuilds it."


def judge_sums(name: str, pinned: Mapping[str, str], found: Mapping[str, str]) -> Finding:
    """Files by name with their SHA-256, against those that were pinned; what we add ourselves is not pinned."""
    wrong = sorted(file for file, digest in pinned.items() if found.get(file) != digest)
    return equal(f"artifacts.{name}", f"files of {name} that are not what was pinned", [], wrong, _REBUILD)


def read_sums(path: Path) -> dict[str, str]:
    """Lines as `sha256sum` writes them."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {name.lstrip("*"): digest for digest, name in lines}


def sums_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every jar in ``folder``, at any depth, by its name."""
    found = {}
    for jar in folder.rglob("*.jar"):
        with jar.open("rb") as file:
            found[jar.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _artifacts(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.artifacts
    for name, path in sorted(expected.folders.items()):
        folder = Path(path)
        if name in expected.checksums and folder.is_dir():
            yield judge_sums(name, read_sums(Path(expected.checksums[name])), sums_of(folder))
        else:
            there = folder.is_dir() and any(folder.iterdir())
            yield equal(f"artifacts.{name}", f"{name} is there", True, there, _REBUILD)


STEPS = (Step("artifacts.folders", "artifacts", _artifacts, "T8", ("<artifact>",)),)
