# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables in which a fault was found, kept: what they have in common with random ones is too rare to wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shapes import Shape, Types
from tables import Column, Table


@dataclass(frozen=True)
class Found:
    """What a table has that showed a fault.

    Attributes:
        fault: what was seen.
        types: of its columns, as declared.
        key: the types of its key.
        generated: whether the last column is a generated one.
    """

    fault: str
    types: tuple[str, ...]
    key: tuple[str, ...] = ("integer",)
    full: bool = False
    names: tuple[str, ...] = ()
    generated: bool = False


FOUND = (
    Found(
        "in JSON of cdc sql a decimal had no digits before its point", ("numeric(38,38)", "numeric(38,38)[]"), full=True
    ),
    Found("a key's value was bound as text when a table was read in chunks", ("text",), ("timestamptz", "numeric")),
    Found(
        "a column named like the row of a statement was shown in its place", ("integer", "text"), names=("result", "r")
    ),
    Found("a snapshot of a table with a generated column had no rows", ("integer", "bytea", "text"), generated=True),
    Found("a snapshot gave dates of October 1582 another key", ("date", "date[]", "refcursor"), ("date", "integer")),
    Found(
        "large values that an update left alone were read by threads that share an object", ("text", "bytea", "jsonb")
    ),
)


def kept(types: Types, run: str) -> Iterator[Table]:
    """Those tables.

    Args:
        run: the beginning of their names.

    Raises:
        LookupError: the server has no such type.
    """
    known = {shape.declared: shape for shape in types.dealt}
    for at, found in enumerate(FOUND):
        columns = [Column(f"k{n}", _of(known, name), nullable=False) for n, name in enumerate(found.key)]
        key = tuple(each.name for each in columns)
        names = found.names or tuple(f"c{n}" for n in range(len(found.types)))
        columns += [Column(name, _of(known, each)) for name, each in zip(names, found.types, strict=True)]
        if found.generated:
            columns.append(Column("given", _of(known, "boolean"), generated=f"num_nulls({names[0]}) = 0"))
        yield Table(f"{run}_found_{at}", f"found/{at}", tuple(columns), key, found.full)


def _of(known: dict[str, Shape], declared: str) -> Shape:
    try:
        return known[declared]
    except KeyError:
        raise LookupError(f"the server has no {declared}; it has {', '.join(known)}") from None
