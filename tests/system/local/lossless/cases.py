# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that tests make, and the values that they put into them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from reading import Beside, Cell, float_text

_FLOATS = {"real": True, "double precision": False}
# In the names of tables, since an instance may have been through these tests before.
_RUN = uuid.uuid4().hex[:6]
# The rows of a table of columns: as the snapshot reads them, inserted, and updated while they are captured.
SNAPSHOT, INSERTED, UPDATED = 1, 2, 3
WAYS = {"snapshot": (SNAPSHOT, "r"), "insert": (INSERTED, "c"), "update": (UPDATED, "u")}


@dataclass(frozen=True)
class Table:
    """A table in the schema `public`.

    `{t}` in a statement is its name, and `{t.other}` that of another one.

    Attributes:
        create: statements that make it, and what it needs.
        before: statements before it is captured, whose rows a snapshot reads.
        after: statements while it is captured, each a transaction of its own.
        drop: further statements after it is dropped.
        keyed: some change of it has a key, so that `cdc sql` knows which rows are current.
    """

    name: str
    create: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keyed: bool = True

    @property
    def made(self) -> str:
        """Its name in the database."""
        return made(self.name)


def made(name: str) -> str:
    """What a table of that name is called in the database."""
    return f"{name}_{_RUN}"


def statement(text: str, table: str) -> str:
    """A statement of a table, with the names of tables."""
    text = text.replace("{t}", f"public.{made(table)}")
    return re.sub(r"\{t\.(\w+)\}", lambda found: f"public.{made(found[1])}", text)


@dataclass(frozen=True)
class Column:
    """A column, a literal in it, and what a reader sees of it.

    Attributes:
        literal: as SQL has it, without quotes.
        seen: PostgreSQL's text, a list of texts, or where it is instead.
    """

    type: str
    literal: str
    seen: Cell

    @property
    def label(self) -> str:
        return f"{self.type} {self.literal if len(self.literal) < 40 else self.literal[:37] + '...'}"


def holds(type_: str, *literals: str, seen: Any = None) -> list[Column]:
    """Values that the column itself has. ``seen``: where it is not the literal."""
    if type_.removesuffix("[]") in _FLOATS:
        single = _FLOATS[type_.removesuffix("[]")]
        if seen is not None:
            seen = [each if each is None else float_text(each, single) for each in seen]
        return [Column(type_, each, float_text(each, single) if seen is None else seen) for each in literals]
    return [Column(type_, each, each if seen is None else seen) for each in literals]


def beside(type_: str, *literals: str, text: str | None = None) -> list[Column]:
    """Values that are beside it as text. ``text``: where it is not the literal."""
    return [Column(type_, each, Beside(each if text is None else text)) for each in literals]


def table_of(name: str, columns: Iterable[Column], options: str = "", create: Iterable[str] = ()) -> Table:
    """A table with these columns, named c0, c1 and so on, and their values in a row of each way.

    Args:
        options: of each column, such as NOT NULL.
        create: statements before it is made.
    """
    columns = list(columns)
    names = ", ".join(f"c{at}" for at in range(len(columns)))
    values = ", ".join(quoted(each.literal) for each in columns)
    types = ", ".join(f"c{at} {each.type} {options}" for at, each in enumerate(columns))

    def row(id_: int) -> str:
        return f"INSERT INTO {{t}} (id, {names}) VALUES ({id_}, {values})"

    return Table(
        name,
        create=(*create, f"CREATE TABLE {{t}} (id int PRIMARY KEY, changed int, {types})"),
        before=(row(SNAPSHOT),),
        after=(
            row(INSERTED),
            row(UPDATED),
            f"UPDATE {{t}} SET changed = 1, ({names}) = ROW ({values}) WHERE id = {UPDATED}",
        ),
    )


def each_column(table: str, columns: Iterable[Column]) -> Callable[[Any], Any]:
    """A test for each of a table's columns: `table`, `column`, `type_`, `seen`."""
    given = [
        pytest.param(table, f"c{at}", each.type, each.seen, id=each.label.replace("::", ":"))
        for at, each in enumerate(columns)
    ]
    return pytest.mark.parametrize(("table", "column", "type_", "seen"), given)


def quoted(literal: str) -> str:
    """A literal in SQL."""
    return "'" + literal.replace("'", "''") + "'"
