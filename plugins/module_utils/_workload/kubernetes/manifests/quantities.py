# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Quantities as manifests state them."""

from __future__ import annotations


def cpu(value: int | None) -> str | None:
    """Thousandths of a core."""
    if value is None:
        return None
    return str(value // 1000) if value % 1000 == 0 else f"{value}m"


def size(value: int | None) -> str | None:
    """Bytes, in the largest unit that divides them."""
    if value is None:
        return None
    for unit, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)
