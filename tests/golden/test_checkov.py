"""What checkov says to the manifests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from rendering import ROOT, VARIANTS

# Its many dependencies stay apart from what tests and users install.
ENVIRONMENT = ROOT / ".venv-checkov"


def test_it_finds_nothing_in_any_variant(rendered: Callable[[str], Path]):
    folders = [rendered(variant) for variant in VARIANTS]
    requirements = ROOT / "tests/golden/checkov.txt"
    subprocess.run([ROOT / ".ci/setup", requirements, ENVIRONMENT.name], cwd=ROOT, check=True)
    # All variants in one run, since it takes long to start.
    (base,) = {folder.parent for folder in folders}
    command = [ENVIRONMENT / "bin/checkov", "--directory", base, "--config-file", ROOT / "tests/golden/checkov.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
