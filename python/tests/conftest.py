"""The services that tests start as processes of their own find the sources that the tests import."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1] / "src")
