# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which values are secrets, and what is shown in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "********"
MASK_CHANGED = "******** (changed)"

# Names under which Kafka clients, Connect plugins, Debezium and cloud SDKs keep secrets.
_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|sasl\.jaas\.config|user\.info"
    r"|(api|private|access|shared|encryption|account|signing)[._-]?key|(^|[._-])(key|pem|sas)[._-]?(material|string)$",
    re.IGNORECASE,
)
# Names that contain such a word and hold something public: where a secret is kept, what kind it is.
_PUBLIC_SUFFIX = re.compile(
    r"[._-](class|file|path|location|url|uri|type|provider|algorithm|mode|enabled?)$", re.IGNORECASE
)
# A reference that a ConfigProvider resolves on the server is no secret, and worth seeing.
_REFERENCE = re.compile(r"\$\{[A-Za-z0-9_-]+:[^}]*\}")
_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.:-]*://[^/\s:@]*:)[^/\s@]+@", re.IGNORECASE)
# Shorter values would blank out ordinary words all over the result.
_SHORTEST_SCRUBBED = 6


def is_secret_name(name: str, extra: Iterable[str] = ()) -> bool:
    """Whether the setting `name` holds a secret; `extra` are names that the user declared secret."""
    if name in set(extra):
        return True
    return bool(_SECRET_NAME.search(name)) and not _PUBLIC_SUFFIX.search(name)


def is_reference(value: Any) -> bool:
    """Whether `value` is nothing but a ConfigProvider reference such as `${file:/path:key}`."""
    return isinstance(value, str) and bool(_REFERENCE.fullmatch(value))


def holds_reference(value: Any) -> bool:
    """Whether there is such a reference in `value`, so that the server has a secret where it stands."""
    return isinstance(value, str) and bool(_REFERENCE.search(value))


def _hidden(name: str, value: Any, extra: Iterable[str]) -> bool:
    return value not in (None, "") and not is_reference(value) and is_secret_name(name, extra)


def mask(settings: Mapping[str, Any], extra: Iterable[str] = ()) -> dict[str, Any]:
    """`settings` with secret values replaced, and passwords inside URLs too."""
    extra = tuple(extra)
    return {name: MASK if _hidden(name, value, extra) else mask_url(value) for name, value in settings.items()}


def mask_pair(
    before: Mapping[str, Any], after: Mapping[str, Any], extra: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both masked, such that a changed secret still shows as a difference."""
    extra = tuple(extra)
    shown_before, shown_after = mask(before, extra), mask(after, extra)
    for name in shown_before.keys() & shown_after.keys():
        if before[name] != after[name] and shown_before[name] == shown_after[name]:
            shown_after[name] = MASK_CHANGED if shown_after[name] == MASK else f"{shown_after[name]} (changed)"
    return shown_before, shown_after


def mask_url(value: Any) -> Any:
    """`value` without the password of a `scheme://user:password@host` in it."""
    return _USER_INFO.sub(rf"\g<scheme>{MASK}@", value) if isinstance(value, str) else value


def secret_values(settings: Mapping[str, Any], extra: Iterable[str] = ()) -> set[str]:
    """Values that must be scrubbed from anything a server says back."""
    extra = tuple(extra)
    found = {str(value) for name, value in settings.items() if _hidden(name, value, extra)}
    return {value for value in found if len(value) >= _SHORTEST_SCRUBBED}
