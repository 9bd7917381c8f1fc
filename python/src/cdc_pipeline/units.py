"""Values of settings, comparable."""

from __future__ import annotations

import re

_BYTES = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4, "8kb": 8192}
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_AMOUNT = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$")
_QUANTITY = re.compile(r"^([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([KMGTPE]i|[numkMGTPE]|)$")
_SCALES = {
    "": 1.0,
    **{unit: 10.0 ** (3 * (power - 3)) for power, unit in enumerate("num")},
    **{unit: 1000.0**power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)},
}
_TRUE = {"on", "true", "yes", "1"}
_FALSE = {"off", "false", "no", "0"}


def postgresql_value(text: str, unit: str | None, kind: str) -> str | float | bool:
    """A PostgreSQL setting as a number of bytes or milliseconds, a truth value, or text.

    Args:
        text: as in postgresql.conf or pg_settings.
        unit: of a number without one: pg_settings.unit.
        kind: pg_settings.vartype.
    """
    lowered = text.strip().lower()
    if kind == "bool" and lowered in _TRUE | _FALSE:
        return lowered in _TRUE
    match = _AMOUNT.match(text)
    if kind not in ("integer", "real") or match is None:
        return lowered if kind == "enum" else text.strip()
    number = float(match[1])
    # -1 and 0 mean "none" or "default" in several settings, whatever the unit.
    if number <= 0 and not match[2]:
        return number
    scale = (match[2] or unit or "").lower()
    return number * (_BYTES.get(scale) or _MILLISECONDS.get(scale) or 1)


def quantity(text: str) -> float:
    """An amount as Kubernetes writes it: 682Mi, 250m, 1e9.

    Raises:
        ValueError: it is none.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no amount such as 682Mi")
    return float(match[1]) * _SCALES[match[2]]


def mebibytes(amount: float) -> str:
    """Bytes, as people read them."""
    return f"{amount / 1024**2:.0f} MiB"


def percentile(sorted_values: list[float], share: float) -> float:
    """The value below which ``share`` (0..1) of the values lie, by nearest rank.

    Raises:
        ValueError: there are none.
    """
    if not sorted_values:
        raise ValueError("no values")
    rank = max(1, -(-len(sorted_values) * share // 1))
    return sorted_values[int(rank) - 1]
