# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a server of the user's own lacks for capture, as the statements that bring it there. Pure.

A run executes these very statements, or where it may not, prints them for an administrator.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .capture_publication import Table, quoted

# Servers of Amazon's have this role in the place of the attribute REPLICATION, which only they themselves may give.
REPLICATING_ROLES = ("rds_replication",)


@dataclass(frozen=True)
class Role:
    """A role that the pipeline signs in as.

    :param verifier: its password as PostgreSQL stores it.
    :param variable: the variable that holds the password.
    :param replication: it reads a slot.
    :param member_of: roles whose rights it has.
    """

    name: str
    password: str
    verifier: str
    variable: str
    replication: bool = False
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundRole:
    """A role as the catalogue has it.

    :param replicates: by its attribute, or by one of `REPLICATING_ROLES`.
    :param signs_in: whether the password is right; None where that could not be tried.
    """

    login: bool
    replicates: bool
    superuser: bool
    createdb: bool
    createrole: bool
    member_of: frozenset[str] = frozenset()
    signs_in: bool | None = True


@dataclass(frozen=True)
class Step:
    """Something that is lacking.

    :param what: a sentence.
    :param statements: that bring it there, as a run executes them.
    :param shown: the same for an administrator, without secrets; empty where they are as `statements`.
    :param proof: a query of one boolean, which tells whether it is there; empty where that cannot be asked for.
    """

    what: str
    statements: tuple[str, ...]
    shown: tuple[str, ...] = ()
    proof: str = ""

    @property
    def for_administrator(self) -> tuple[str, ...]:
        return self.shown or self.statements


def role_steps(role: Role, found: FoundRole | None, there: Iterable[str]) -> Iterator[Step]:
    """What the role lacks.

    :param there: which of `REPLICATING_ROLES` the server has.
    """
    name = quoted(role.name)
    replicating = next(iter(there), None) if role.replication else None
    attributes = " REPLICATION" if role.replication and replicating is None else ""
    wanted = [*role.member_of, *([replicating] if replicating else [])]
    if found is None:
        made = f"CREATE ROLE {name} LOGIN{attributes} PASSWORD"
        yield Step(
            f"there is no role {role.name}", (f"{made} {literal(role.verifier)}",), (f"{made} '<{role.variable}>'",)
        )
    else:
        differing = [
            word
            for word, is_so in (
                ("LOGIN", found.login),
                ("REPLICATION", found.replicates or not attributes),
                ("NOSUPERUSER", not found.superuser),
                ("NOCREATEDB", not found.createdb),
                ("NOCREATEROLE", not found.createrole),
            )
            if not is_so
        ]
        if differing:
            altered = f"ALTER ROLE {name} {' '.join(differing)}"
            yield Step(f"the role {role.name} is not {' '.join(differing)}", (altered,))
        if found.signs_in is False:
            altered = f"ALTER ROLE {name} PASSWORD"
            yield Step(
                f"the role {role.name} has another password than {role.variable}",
                (f"{altered} {literal(role.verifier)}",),
                (f"{altered} '<{role.variable}>'",),
            )
    for group in wanted:
        if found is None or group not in found.member_of:
            yield Step(f"the role {role.name} is not a member of {group}", (f"GRANT {quoted(group)} TO {name}",))


def reads_step(role: str, table: Mapping[str, Any]) -> Step:
    """Whether the role reads a table, as the audit names it, and the audit's statements that let it."""
    return Step(f"the role {role} may not read {table['name']}", (table["grant"],), proof=_may(role, table, "SELECT"))


def login_step(user: str, table: Mapping[str, Any]) -> Step:
    """Whether the user that is connected reads a captured table, which verification compares with its changes."""
    return Step(
        f"{user} may not read {table['name']}", _granted(user, table, "SELECT"), proof=_may(user, table, "SELECT")
    )


def own_step(user: str, table: Mapping[str, Any], definition: str, *, is_there: bool) -> Step:
    """A table that the pipeline writes to, and brings."""
    if not is_there:
        definition = definition.strip().removesuffix(";")
        owner = f"ALTER TABLE {_sql(table)} OWNER TO {quoted(user)}"
        return Step(f"there is no table {table['name']}, the pipeline's own", (definition,), (definition, owner))
    rights = "SELECT, INSERT, UPDATE, DELETE"
    proof = " AND ".join(f"({_may(user, table, right)})" for right in rights.split(", "))
    return Step(
        f"{user} may not write to {table['name']}, the pipeline's own",
        _granted(user, table, rights),
        proof=f"SELECT {proof}",
    )


def literal(text: str) -> str:
    """A text as SQL has it, whatever standard_conforming_strings says."""
    escaped = text.replace("'", "''").replace("\\", "\\\\")
    return f"E'{escaped}'" if "\\" in text else f"'{escaped}'"


def _sql(table: Mapping[str, Any]) -> str:
    return Table(table["schema"], table["table"]).sql


def _granted(role: str, table: Mapping[str, Any], rights: str) -> tuple[str, ...]:
    return (
        f"GRANT USAGE ON SCHEMA {quoted(table['schema'])} TO {quoted(role)}",
        f"GRANT {rights} ON {_sql(table)} TO {quoted(role)}",
    )


def _may(role: str, table: Mapping[str, Any], right: str) -> str:
    return (
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles r"
        f" WHERE n.nspname = {literal(table['schema'])} AND c.relname = {literal(table['table'])}"
        f" AND r.rolname = {literal(role)} AND has_schema_privilege(r.oid, n.oid, 'USAGE')"
        f" AND has_table_privilege(r.oid, c.oid, '{right}'))"
    )


def administrator_sql(steps: Sequence[Step]) -> str:
    """The statements of the steps, each once, as a script."""
    statements = dict.fromkeys(statement for step in steps for statement in step.for_administrator)
    return "".join(f"{statement};\n" for statement in statements)


def lacking_message(refused: Sequence[tuple[Step, str]], user: str, database: str, first: int = 1) -> str:
    """What is lacking that the user may not bring there, and the script that does.

    :param refused: steps, each with what the server says.
    :param first: the number of the first.
    """
    lines = []
    for number, (step, why) in enumerate(refused, first):
        lines += [f"{number}. {step.what}", f"   why:    to {user} the server says: {why}"]
    script = administrator_sql([step for step, _why in refused])
    return "\n".join(
        [
            *lines,
            f"An administrator can run this in the database {database}, with a variable's value for its name in <>:",
            textwrap.indent(script.rstrip("\n"), "    "),
        ]
    )
