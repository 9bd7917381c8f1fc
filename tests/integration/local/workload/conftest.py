# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An instance of its own for each test of workloads."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "support"))

from collection_path import make_importable

make_importable()

from lab import Lab  # noqa: E402


@pytest.fixture
def lab(request):
    """A running, empty instance; the parameter is the name of its home."""
    if importlib.util.find_spec("supervisor") is None:
        pytest.skip("needs supervisor in this environment")
    parent = Path(tempfile.mkdtemp(prefix="cdc-workload-", dir="/tmp"))
    parent.chmod(0o755)
    made = Lab(parent / getattr(request, "param", "instance"))
    made.host().start()
    try:
        yield made
    finally:
        made.remove()
        shutil.rmtree(parent, ignore_errors=True)
