# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Quantities in the notation of Kubernetes, which both runtimes share."""

from __future__ import annotations

import re

_FACTORS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CPU = re.compile(r"(\d+)m|(\d+(?:\.\d+)?)")


def memory_bytes(quantity: str | int) -> int:
    """Bytes of a memory or storage quantity such as ``768Mi``, ``1.5G`` or ``1048576``.

    Raises:
        ValueError: the text is not such a quantity.
    """
    match = _MEMORY.fullmatch(str(quantity).strip())
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity like 768Mi, 5Gi or a number of bytes")
    return int(float(match[1]) * _FACTORS[match[2] or ""])


def cpu_millis(quantity: str | float) -> int:
    """Thousandths of a core of a CPU quantity such as ``500m``, ``0.5`` or ``2``.

    Raises:
        ValueError: the text is not such a quantity.
    """
    match = _CPU.fullmatch(str(quantity).strip())
    if match is None:
        raise ValueError(f"{quantity!r} is not a CPU quantity like 500m, 0.5 or 2")
    return int(match[1]) if match[1] else round(float(match[2]) * 1000)
