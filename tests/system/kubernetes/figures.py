# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests measure, kept for documents to cite: reports/kubernetes/<name>.json beside verification's."""

from __future__ import annotations

import json
from typing import Any

from site_runs import ROOT

_FOLDER = ROOT / "reports/kubernetes"


def report(name: str, **figures: Any) -> None:
    """Prints the figures and writes them down; those of the last run count."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: {figures}")
