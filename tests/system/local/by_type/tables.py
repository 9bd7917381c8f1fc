# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Random tables: columns of all types, under odd names, with keys of any type."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapes import Shape, Types, Valid

SCHEMA = "by_type"
_ODD = (
    "year",
    "month",
    "sel-ect",
    "sel_ect",
    "Upper Case",
    'quote"s',
    "größe",
    "__text",
    "__unsent",
    "__cut",
    "__commit_order",
    "__offset",
    "__partition",
    "__op",
    "__deleted",
    "__lsn",
    "select",
    "1st",
    "a.b",
    "$",
    " lead",
    "漢字",
    "percent%s",
    "semi;colon",
    "comma,name",
    "back\\slash",
    "before",
    "source",
    "after",
    "op",
    "ts_ms",
    "key",
    "value",
    "__text_",
    "x" * 63,
    "ctid_",
    "null",
    "v",
    "t",
    "u",
    "__TXID",
)


@dataclass(frozen=True)
class Column:
    """A column. ``default``: SQL; ``generated``: SQL of a stored generated column."""

    name: str
    shape: Shape
    nullable: bool = True
    default: str | None = None
    generated: str | None = None

    @property
    def definition(self) -> str:
        parts = [identifier(self.name), self.shape.declared]
        if self.generated is not None:
            return " ".join([*parts, f"GENERATED ALWAYS AS ({self.generated}) STORED"])
        if self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if not self.nullable:
            parts.append("NOT NULL")
        return " ".join(parts)


@dataclass(frozen=True)
class Table:
    """A table in the schema of the tests."""

    name: str
    seed: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    full: bool

    @property
    def qualified(self) -> str:
        return f"{SCHEMA}.{self.name}"

    @property
    def ddl(self) -> str:
        lines = ",\n".join(f"    {each.definition}" for each in self.columns)
        key = ", ".join(map(identifier, self.key))
        return f"CREATE TABLE {self.qualified} (\n{lines},\n    PRIMARY KEY ({key})\n);\n{self.identity}"

    @property
    def identity(self) -> str:
        """Which identity it has, as a statement."""
        return f"ALTER TABLE {self.qualified} REPLICA IDENTITY {'FULL' if self.full else 'DEFAULT'};"

    @property
    def sent(self) -> tuple[Column, ...]:
        """Those that PostgreSQL sends: before version 18 no generated ones."""
        return tuple(each for each in self.columns if each.generated is None)


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Of a type that is still to be found out, whatever the text holds."""
    return "'" + text.replace("'", "''") + "'"


def make_tables(types: Types, seed: int, count: int, valid: Valid, run: str = "t") -> Iterator[Table]:
    """So many tables in which together every type of the server is a column.

    Args:
        run: the beginning of their names.

    Raises:
        ValueError: there are base types of which no values are made.
    """
    if types.missing:
        raise ValueError(f"no values are made of {', '.join(types.missing)}: give them to base_types.MADE")
    rng = random.Random(seed)
    every = list(types.dealt)
    rng.shuffle(every)
    for at in range(count):
        yield _table(f"{run}_{at:03}", f"{seed}/{at}", every[at::count], every, random.Random(f"{seed}/{at}"), valid)


def _table(name: str, seed: str, dealt: Sequence[Shape], every: Sequence[Shape], rng: random.Random, valid: Valid):
    shapes = [*dealt, *(rng.choice(every) for _index in range(rng.randint(1, 4)))]
    # The snapshot of an added table whose key has an array is refused.
    fit = [each for each in every if each.key and each.kind != "array"]
    keys = [rng.choice(fit) for _index in range(rng.choice((1, 1, 1, 2, 3)))]
    rng.shuffle(shapes)
    names = _names(rng, len(shapes) + len(keys))
    columns = [_column(next(names), shape, rng, valid) for shape in shapes]
    key = [Column(next(names), shape, nullable=False) for shape in keys]
    # A key's columns may stand anywhere.
    for column in key:
        columns.insert(rng.randint(0, len(columns)), column)
    if rng.random() < 0.3:
        about = identifier(rng.choice(columns).name)
        boolean = next(each for each in every if each.declared == "boolean")
        # Last, since a table with one before others and an enum is refused.
        columns.append(Column(next(names), boolean, generated=f"num_nulls({about}) = 0"))
    return Table(name, seed, tuple(columns), tuple(each.name for each in key), rng.random() < 0.5)


def _column(name: str, shape: Shape, rng: random.Random, valid: Valid) -> Column:
    default = None
    # PostgreSQL takes no role for a default, since roles may go.
    if rng.random() < 0.4 and "regrole" not in shape.declared:
        default = f"{literal(shape.any(rng, valid))}::{shape.cast}"
    if shape.base == "timestamptz" and rng.random() < 0.5:
        default = "now()"
    return Column(name, shape, nullable=not shape.required and rng.random() < 0.75, default=default)


def _names(rng: random.Random, count: int) -> Iterator[str]:
    odd = rng.sample(_ODD, k=min(len(_ODD), count // 2))
    plain = [f"c{at}" for at in range(count + 2 - len(odd))]
    both = [*odd, *plain]
    rng.shuffle(both)
    return iter(both)
