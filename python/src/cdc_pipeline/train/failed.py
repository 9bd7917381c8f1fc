"""The note of a failure: while it is new, the module `java_cache` begins no training in the background."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

from cdc_pipeline.train.plan import Plan

NOTE = "training-failed.json"


def note(plan: Plan) -> None:
    """Writes which caches could not be made, and when."""
    content = {"caches": [plan.programs[name].cache for name in plan.wanted], "time": int(time.time())}
    # A disk that is full has no room for the note either: the training is tried again then.
    with contextlib.suppress(OSError):
        path = Path(plan.cache) / NOTE
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        path.chmod(0o644)


def forget(cache: Path) -> None:
    """Removes the note, if there is one."""
    with contextlib.suppress(OSError):
        (cache / NOTE).unlink(missing_ok=True)
