# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles users: what `kafka_user` does.

A password cannot be read back, so each user signs in with the one that is stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._awaited import unasked
from .._errors import DeadlineError, InvalidError
from .._module import Outcome
from .._secrets import MASK, MASK_CHANGED
from .._values import to_strings
from .._wait import Deadline, wait_for
from .users import KafkaUsers, User, sign_in

Login = tuple[str, Mapping[str, str]]
"""Brokers, and settings besides name and password."""


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the users that were asked for.

    :raises InvalidError: for what is stated wrongly, before any change.
    :raises DeadlineError: when a user whose password was set cannot sign in after `wait_timeout`.
    """
    wanted = wanted_users(params)
    login = _login(params)
    client_config = to_strings(params["client_config"], "client_config")
    connection, found = None, {}
    if not unasked(params):
        connection = KafkaUsers(params["bootstrap_servers"], client_config, params["retry_timeout"])
        found = connection.iterations(wanted)
    same = [user for user in wanted if user.password is not None and found.get(user.name) == user.iterations]
    let_in = sign_in(*login, same, params["retry_timeout"]) if login else {}
    changing = [user for user in wanted if _changes(user, found, let_in)]
    if changing and connection is not None and not check_mode:
        connection.write(changing)
        if login:
            _await(login, [user for user in changing if user.password is not None], params["wait_timeout"])
    return Outcome(
        changed=bool(changing),
        before={user.name: _before(user, found) for user in changing},
        after={user.name: _after(user, found) for user in changing},
        facts={"changed_users": [user.name for user in changing]},
    )


def wanted_users(params: Mapping[str, Any]) -> list[User]:
    """The users that the parameters ask for.

    :raises InvalidError: a user is listed twice, or has no password.
    """
    entries = params["users"] or [{"name": params["name"], "password": params["password"]}]
    present = params["state"] == "present"
    names = [entry["name"] for entry in entries]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidError("A user is listed twice", where="users", why=", ".join(repeated), remedy="list it once")
    if without := [entry["name"] for entry in entries if present and not entry.get("password")]:
        raise InvalidError("A user has no password", where="users", why=", ".join(without), remedy="state password")
    return [
        User(entry["name"], params["mechanism"], params["iterations"], entry["password"] if present else None)
        for entry in entries
    ]


def _login(params: Mapping[str, Any]) -> Login | None:
    """How the users sign in; None where nobody has to, or nobody can yet."""
    if params["awaited"] or params["state"] == "absent" or params["update_password"] == "on_create":
        return None
    given = params["sign_in"] or {}
    servers = given.get("bootstrap_servers") or params["bootstrap_servers"]
    config = to_strings(given.get("client_config") or params["client_config"], "client_config")
    protocol = config.get("security.protocol", "plaintext").upper()
    if not protocol.startswith("SASL_"):
        raise InvalidError(
            "It cannot be checked whether a user has the stated password",
            where=servers,
            why=f"nobody signs in with a password there: security.protocol is {protocol}",
            remedy="set sign_in to the address where users sign in, or set update_password: on_create",
        )
    return servers, config


def _changes(user: User, found: Mapping[str, int], let_in: Mapping[str, bool]) -> bool:
    if user.password is None:
        return user.name in found
    return found.get(user.name) != user.iterations or not let_in.get(user.name, True)


def _await(login: Login, users: Iterable[User], seconds: float) -> None:
    waiting = list(users)

    def all_in() -> bool | None:
        nonlocal waiting
        let_in = sign_in(*login, waiting, seconds)
        waiting = [user for user in waiting if not let_in[user.name]]
        return None if waiting else True

    if wait_for(all_in, Deadline(seconds)) is None:
        raise DeadlineError(
            f"Users whose passwords were set cannot sign in after {seconds:g} s",
            where=login[0],
            why=", ".join(user.name for user in waiting),
            remedy="check the brokers' logs; the listener has to allow the mechanism (sasl.enabled.mechanisms)",
        )


def _before(user: User, found: Mapping[str, int]) -> dict[str, Any]:
    if user.name not in found:
        return {"state": "absent"}
    return {"state": "present", "mechanism": user.mechanism, "iterations": found[user.name], "password": MASK}


def _after(user: User, found: Mapping[str, int]) -> dict[str, Any]:
    if user.password is None:
        return {"state": "absent"}
    shown = MASK_CHANGED if user.name in found else MASK
    return {"state": "present", "mechanism": user.mechanism, "iterations": user.iterations, "password": shown}
