# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kubeconfig files that may hold other clusters, too."""

from __future__ import annotations

import traceback
from typing import Any

from .._errors import MissingLibraryError

try:
    import yaml
except ImportError:
    yaml = None
    _TRACE = traceback.format_exc()
else:
    _TRACE = ""

_SECTIONS = ("clusters", "contexts", "users")


def holds(text: str, own: str) -> bool:
    """Whether the kubeconfig ``text`` has everything of ``own``, and its context is the current one."""
    found, wanted = _parse(text), _parse(own)
    if found is None or wanted is None:
        return False
    same = all(entry in (found.get(section) or ()) for section in _SECTIONS for entry in wanted.get(section) or ())
    return same and found.get("current-context") == wanted.get("current-context")


def names(text: str, context: str) -> bool:
    """Whether it names the context."""
    found = _parse(text) or {}
    return any(entry.get("name") == context for entry in found.get("contexts") or ())


def is_empty(text: str) -> bool:
    """Whether it names no cluster, as kind leaves it when it has taken out the last one."""
    found = _parse(text)
    return found is not None and not any(found.get(section) for section in _SECTIONS)


def _parse(text: str) -> dict[str, Any] | None:
    if yaml is None:
        raise MissingLibraryError("PyYAML", _TRACE)
    try:
        # A file of nothing, or of comments, is an empty kubeconfig.
        found = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError:
        return None
    return found if isinstance(found, dict) else ({} if found is None else None)
