# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What check mode says of a server that does not run as stated yet, since check mode starts none.

The role workload notes such servers as the fact `cdc_awaited`, the action plugin of the modules that ask servers hands
it to them as the option `awaited`, and here is what follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import InvalidError

NEW, STOPPED, CHANGING = "new", "stopped", "changing"
STATES = [NEW, STOPPED, CHANGING]


def unasked(params: Mapping[str, Any]) -> bool:
    """Whether there is no server to ask, so that it is taken for an empty one."""
    return params["awaited"] in (NEW, STOPPED)


def changing(params: Mapping[str, Any]) -> bool:
    """Whether the server is asked as it was before, so that it cannot judge what is for the time after."""
    return params["awaited"] == CHANGING


def require_check_mode(params: Mapping[str, Any], check_mode: bool) -> None:
    """
    :raises InvalidError: the option is given where the module acts.
    """
    if params.get("awaited") and not check_mode:
        raise InvalidError(
            "A server that is awaited cannot be changed",
            where="option awaited",
            remedy="omit it: it is only for check mode",
        )


def uncertain(params: Mapping[str, Any]) -> bool:
    """Whether what is predicted may be there already: a server that is stopped keeps what it has."""
    return params.get("awaited") == STOPPED
