# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Java properties as java.util.Properties reads them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.filter.to_properties import FilterModule, to_properties

UNESCAPE = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def plain(part):
    out, position = "", 0
    while position < len(part):
        if part[position] == "\\":
            position += 1
            out += UNESCAPE.get(part[position], part[position])
        else:
            out += part[position]
        position += 1
    return out


def read(text):
    """A reader by the rules of java.util.Properties.load, as far as the filter needs them."""
    found = {}
    for line in text.splitlines():
        key, index, escaped = "", 0, False
        while escaped or line[index] not in "=: ":
            escaped = not escaped and line[index] == "\\"
            key += line[index]
            index += 1
        value = line[index + 1 :].lstrip(" ")
        found[plain(key)] = plain(value)
    return found


def test_reads_back():
    settings = {
        "plain": "value",
        "with space": " leading and trailing ",
        "a=b:c#d!e": "x=y:z#!",
        "back\\slash": "C:\\temp",
        "lines": "one\ntwo\tthree",
        "unicode": "Grüße",
        "empty": "",
    }
    assert read(to_properties(settings)) == settings


def test_values():
    text = to_properties({"b": True, "a": [1, "x", False], "none": None, "n": 1.5})
    assert text == "a=1,x,false\nb=true\nn=1.5\n"
    assert FilterModule().filters()["to_properties"]({}) == ""


def test_what_is_no_property():
    with pytest.raises(AnsibleFilterError, match="a is a map"):
        to_properties({"a": {}})
    with pytest.raises(AnsibleFilterError, match="needs a map, not list"):
        to_properties([])
