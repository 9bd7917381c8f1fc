# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Settings as Kafka keeps them: a map of strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import InvalidError


def to_strings(settings: Mapping[str, Any], where: str) -> dict[str, str]:
    """Every value as the string that the server will store; a setting that is null counts as not stated.

    :param where: the object the settings are for; part of the error.
    :raises InvalidError: for nested values, which no server accepts; all of them at once.
    """
    nested = sorted(str(name) for name, value in settings.items() if _is_nested(value))
    if nested:
        raise InvalidError(
            "Settings must be plain values or lists of plain values",
            where=where,
            why=f"nested: {', '.join(nested)}",
            remedy="write each setting as one dotted name, such as transforms.unwrap.type",
        )
    return {str(name): to_string(value) for name, value in settings.items() if value is not None}


def to_string(value: Any) -> str:
    """`true` and `false` for booleans, elements joined by commas for lists."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(to_string(element) for element in value)
    return str(value)


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(element, (list, dict)) for element in value)
    return isinstance(value, dict)
