# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tokens such as ``@{data}`` in a workload's strings, filled in for each replica.

``@@{`` stands for a literal ``@{``, and ``@@@{data}`` for an ``@`` before what the token stands for. The tokens
themselves are made by :mod:`..local` and :mod:`..kubernetes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._suggest import nearest

_TOKEN = re.compile(r"(@@)?@\{([^}\n]*)(\}?)|@@\{")


class TokenError(ValueError):
    """A string names a token that this workload does not have."""


def substitute(text: str, values: Mapping[str, str], field: str) -> str:
    """``text`` with every token replaced.

    Args:
        field: where the text stands, such as ``files.server.properties``, for the error.

    Raises:
        TokenError: a token is unknown or not closed.
    """

    def replace(match: re.Match[str]) -> str:
        if match[0] == "@@{":
            return "@{"
        at, name = "@" if match[1] else "", match[2]
        if not match[3]:
            raise TokenError(f"{field}: the token @{{{name} is not closed (write @@{{ for a literal @{{)")
        if name in values:
            return at + values[name]
        near = nearest(name, values)
        hint = f"did you mean @{{{near}}}?" if near else "known are " + ", ".join(sorted(values))
        raise TokenError(f"{field}: unknown token @{{{name}}}; {hint}")

    return _TOKEN.sub(replace, text)


def substitute_all(value: Any, values: Mapping[str, str], field: str, problems: list[str]) -> Any:
    """``value`` (strings in any nesting of maps and lists) with tokens replaced; errors go to ``problems``.

    Everything that is no string, such as the bytes of a file, stays as it is.
    """
    if isinstance(value, str):
        try:
            return substitute(value, values, field)
        except TokenError as error:
            problems.append(str(error))
            return value
    if isinstance(value, Mapping):
        return {key: substitute_all(item, values, f"{field}.{key}", problems) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [substitute_all(item, values, f"{field}[{index}]", problems) for index, item in enumerate(value)]
    return value
