# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Amounts of memory, storage and processor, as Kubernetes and Java write them."""

from __future__ import annotations

import re
from typing import Any

_FACTORS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}
_JAVA = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def mebibytes(amount: Any, *, java: bool = False) -> float | None:
    """`768Mi` to 768.0, and with `java` also `320m` to 320.0; None for what is no amount."""
    match = re.match(r"(\d+(?:\.\d+)?)([A-Za-z]*)\Z", str(amount).strip())
    if not match:
        return None
    factors = _JAVA if java else _FACTORS
    unit = match[2].lower() if java else match[2]
    return float(match[1]) * factors[unit] / 1024**2 if unit in factors else None


def millicores(amount: Any) -> int | None:
    """`250m` to 250, `0.5` to 500, `2` to 2000; None for what is no amount of processor."""
    match = re.match(r"(?:(\d+)m|(\d+(?:\.\d+)?))\Z", str(amount).strip())
    if not match:
        return None
    return int(match[1]) if match[1] else round(float(match[2]) * 1000)
