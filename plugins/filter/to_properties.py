# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: to_properties
short_description: Write a map as a Java properties file
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives one line C(name=value) for each key, in the order of the names, escaped as C(java.util.Properties) reads it.
  - Null values are left out. Truth values become V(true) and V(false), lists are joined by commas.
options:
  _input:
    description: Settings by name.
    type: dict
    required: true
"""

EXAMPLES = r"""
# node.id=1
# process.roles=broker,controller
text: "{{ {'process.roles': ['broker', 'controller'], 'node.id': 1} | cdc.pipeline.to_properties }}"
"""

RETURN = r"""
_value:
  description: The file's text.
  type: str
"""

# java.util.Properties.load: these end a key or begin a comment, and a backslash begins an escape.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_KEY_ESCAPES = {**_ESCAPES, "=": "\\=", ":": "\\:", " ": "\\ ", "#": "\\#", "!": "\\!"}


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(_value(name, item) for item in value)
    if isinstance(value, Mapping):
        raise AnsibleFilterError(f"to_properties: {name} is a map; a property is a scalar or a list of them")
    return str(value)


def _escape(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def _line(name: str, value: Any) -> str:
    text = _escape(_value(name, value), _ESCAPES)
    # Leading blanks of a value are skipped by the reader, so the first one is escaped.
    if text.startswith(" "):
        text = "\\" + text
    return f"{_escape(name, _KEY_ESCAPES)}={text}\n"


def to_properties(settings: Mapping[str, Any]) -> str:
    """A map of settings as the text of a Java properties file (UTF-8, which Kafka's own reader expects)."""
    if not isinstance(settings, Mapping):
        raise AnsibleFilterError(f"to_properties needs a map, not {type(settings).__name__}")
    return "".join(_line(str(name), value) for name, value in sorted(settings.items()) if value is not None)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"to_properties": to_properties}
