"""Prometheus' programs, for tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/support"))

from debian_tools import program


def programs(folder: Path) -> Path:
    """Where prometheus and promtool are: Debian's, unpacked below ``folder`` where they are not installed."""
    return Path(program("prometheus", "prometheus", folder)).parent
