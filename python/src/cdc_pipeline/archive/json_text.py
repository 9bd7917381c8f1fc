"""Values as JSON."""

from __future__ import annotations

import base64
import json
import math
from functools import partial
from typing import Any


def to_json(value: Any) -> str:
    """Compact JSON; bytes as base64, numbers that JSON does not have and other types as their text."""
    try:
        return _dumps(value, allow_nan=False)
    except ValueError:
        return _dumps(_finite(value))


_dumps = partial(
    json.dumps,
    separators=(",", ":"),
    ensure_ascii=False,
    default=lambda value: base64.b64encode(value).decode() if isinstance(value, bytes) else str(value),
)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value
