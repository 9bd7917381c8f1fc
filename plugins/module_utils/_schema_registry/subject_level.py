# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles a compatibility level: what `schema_registry_compatibility` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import InvalidError
from .._module import Outcome
from .client import registry_client


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the global level, or over that of one subject."""
    client, subject = registry_client(params), params["subject"]
    if subject is None and params["state"] == "absent":
        raise InvalidError(
            "The global compatibility level cannot be absent",
            where="option state",
            remedy="name a subject, or set the global level with state present",
        )
    global_level = client.global_level()
    current = global_level if subject is None else client.level(subject)
    wanted = wanted_level(params["state"], params["level"], current, global_level)
    changed = wanted != current
    if changed and not check_mode:
        if wanted is None:
            client.unset_level(subject)
        else:
            client.set_level(subject, wanted)
    scope = {} if subject is None else {"subject": subject}
    return Outcome(
        changed,
        before={**scope, "level": current},
        after={**scope, "level": wanted},
        facts={"compatibility": {**scope, "level": wanted or global_level}},
    )


def wanted_level(state: str, level: str | None, current: str | None, global_level: str | None) -> str | None:
    """The level to reach. Pure.

    :param current: the level in force, None when the subject has none of its own.
    :returns: None for none of its own. Some registries answer with the global level where there is none, so one that
        equals it is left alone.
    """
    if state == "present":
        return level
    return current if current == global_level else None
