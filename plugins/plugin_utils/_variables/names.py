# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Variables that nobody reads: some have another name now, most are misspelt."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping

from ...module_utils._problem import Problem
from ...module_utils._suggest import nearest
from .declared import Declared
from .renamed import Renamed

# Ansible's own; a name that holds one of them cannot be meant for us.
_ANSIBLE = ("ansible_", "__", "_")
# How near a name without one of our prefixes must be to one of ours to count as misspelt.
_ALMOST_EQUAL = 0.9


def unknown_names(
    given: Iterable[str], declared: Declared, renamed: Mapping[str, Renamed], allowed: Iterable[str]
) -> Iterator[Problem]:
    """A problem for each variable that looks like one of the collection's and is none.

    :param given: the names of all variables of a host.
    :param renamed: names of earlier versions. They are reported even where they are allowed: a pattern may be wide.
    :param allowed: shell patterns of names that the user declared to be their own.
    """
    known = declared.names
    patterns = tuple(allowed)
    for name in sorted(given):
        if name in renamed:
            yield renamed[name].problem()
            continue
        if name in known or name.startswith(_ANSIBLE) or any(fnmatch.fnmatch(name, item) for item in patterns):
            continue
        if name.startswith(declared.prefixes):
            suggestion = nearest(name, known)
            role = max((item for item in declared.prefixes if name.startswith(item)), key=len)
            remedy = (
                f"write {suggestion}"
                if suggestion
                else f"see docs/reference/variables.md for the names that begin with {role}"
            )
            yield _problem(name, f"{remedy}; if it is a variable of your own, name it in preflight_own_variables")
        elif suggestion := _almost(name, known):
            yield _problem(
                name, f"write {suggestion}; if it is a variable of your own, name it in preflight_own_variables"
            )


def _problem(name: str, remedy: str) -> Problem:
    return Problem("variable", f"The variable {name} is not known, so it would have no effect", remedy=remedy)


def _almost(name: str, known: Iterable[str]) -> str | None:
    if "_" not in name:
        return None
    found = difflib.get_close_matches(name, known, n=1, cutoff=_ALMOST_EQUAL)
    return found[0] if found else None
