# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings roles, grants and a publication to a server of the user's own, or finds out that it may not.

Whether a user may do something is not told by what it is: servers of clouds have rules of their own. So it is tried, in
a transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._errors import InvalidError, RefusedError
from .._module import Outcome
from .capture_audit import message
from .capture_publication import Table, plan_present, statements_given
from .capture_rights import (
    REPLICATING_ROLES,
    FoundRole,
    Role,
    Step,
    lacking_message,
    login_step,
    own_step,
    reads_step,
    role_steps,
)
from .connection import connected, psycopg
from .publications import read_publications

_ROLE = """
SELECT rolcanlogin AS login, rolreplication AS replicates, rolsuper AS superuser, rolcreatedb AS createdb,
       rolcreaterole AS createrole,
       ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)
           AS member_of
FROM pg_roles r WHERE rolname = %s
"""
_THERE = """
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = %(schema)s AND c.relname = %(table)s) AS is_there
"""
_NOT_GRANTED = "the server accepted the statement, but granted nothing"


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass: all that is lacking, in one transaction, which is rolled back where it is only examined.

    :raises InvalidError: the user may not do some of it, or the audit has refused; nothing has been changed.
    :raises RefusedError: a publication is another pipeline's.
    :raises UnreachableError: the server is not there.
    """
    found = [each for each in params["findings"] if each["severity"] == "refuse"]
    examine = params["examine"] or check_mode or bool(found)
    where = f"PostgreSQL at {params['login_host']}:{params['login_port']}"
    with connected(params) as connection:
        warnings: list[str] = []
        steps = [step for step in _steps(connection, params, warnings) if not _proved(connection, step)]
        refused = _perform(connection, steps, examine)
    if refused or found:
        lines = [message(found, where, len(refused))]
        if refused:
            lines.append(lacking_message(refused, params["login_user"], params["login_db"], len(found) + 1))
        raise InvalidError("\n".join(lines), findings=params["findings"])
    whats = [step.what for step in steps]
    return Outcome(
        changed=bool(steps) and not params["examine"],
        before={"lacking": whats},
        after={"lacking": []},
        facts={"lacking": whats},
        warnings=warnings,
    )


def _steps(connection: Any, params: Mapping[str, Any], warnings: list[str]) -> Iterator[Step]:
    user = params["login_user"]
    own = params["own"]
    for table in params["tables"]:
        if table["name"] in own:
            is_there = connection.execute(_THERE, table).fetchone()["is_there"]
            yield own_step(user, table, own[table["name"]], is_there=is_there)
    there = [name for name in REPLICATING_ROLES if connection.execute(_ROLE, (name,)).fetchone()]
    for given in params["roles"]:
        role = Role(**{**given, "member_of": tuple(given["member_of"])})
        yield from role_steps(role, _found(connection, params, role, there, warnings), there)
    for table in params["tables"]:
        yield reads_step(params["reader"], table)
        if table["name"] not in own:
            yield login_step(user, table)
    if params["publication"]:
        yield from _publication(connection, params)


def _publication(connection: Any, params: Mapping[str, Any]) -> Iterator[Step]:
    name, slot = params["publication"], params["slot"]
    found = read_publications(connection, name)
    wanted = list(dict.fromkeys(_named(table) for table in params["tables"]))
    given = statements_given(name, wanted, found)
    try:
        plan = plan_present(name, slot, wanted, found, captured=False)
    except RefusedError as error:
        if not given:
            raise
        yield Step(f"the publication {name} does not fit: {error.why}", given)
        return
    if plan.statements:
        yield Step(f"the publication {name} lacks tables, or does not exist", plan.statements, given)


def _named(table: Mapping[str, Any]) -> Table:
    return Table(table["schema"], table["table"])


def _found(
    connection: Any, params: Mapping[str, Any], role: Role, there: Sequence[str], warnings: list[str]
) -> FoundRole | None:
    row = connection.execute(_ROLE, (role.name,)).fetchone()
    if row is None:
        return None
    member_of = frozenset(row["member_of"])
    found = FoundRole(**{**row, "member_of": member_of, "replicates": row["replicates"] or bool(member_of & {*there})})
    if not found.login:
        return found
    said = _refusal(params, role)
    if said and "password authentication failed" not in said:
        warnings.append(f"it could not be tried whether {role.name} signs in: {said}")
        return replace(found, signs_in=None)
    return replace(found, signs_in=not said)


def _refusal(params: Mapping[str, Any], role: Role) -> str:
    """What the server says when the role signs in by its password; empty where it may."""
    try:
        psycopg.connect(
            host=params["login_host"],
            port=params["login_port"],
            user=role.name,
            password=role.password,
            dbname=params["login_db"],
            sslmode=params["ssl_mode"],
            sslrootcert=params["ca_cert"],
            connect_timeout=params["connect_timeout"],
        ).close()
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())
    return ""


def _proved(connection: Any, step: Step) -> bool:
    return bool(step.proof) and next(iter(connection.execute(step.proof).fetchone().values()))


class _NotPermittedError(Exception):
    """Rolls back what was done before."""


def _perform(connection: Any, steps: Sequence[Step], examine: bool) -> list[tuple[Step, str]]:
    """The steps that the server refuses, each with what it says. With any, nothing is done."""
    refused: list[tuple[Step, str]] = []
    try:
        with connection.transaction(force_rollback=examine):
            for step in steps:
                try:
                    with connection.transaction():
                        for statement in step.statements:
                            connection.execute(statement)
                except psycopg.errors.LockNotAvailable:
                    # Somebody uses a table just now; who may do it is asked before that.
                    if not examine:
                        raise
                    continue
                except psycopg.Error as error:
                    refused.append((step, " ".join(str(error).split())))
                    continue
                if not _granted(connection, step):
                    refused.append((step, _NOT_GRANTED))
            if refused:
                raise _NotPermittedError
    except _NotPermittedError:
        pass
    return refused


def _granted(connection: Any, step: Step) -> bool:
    return not step.proof or _proved(connection, step)
