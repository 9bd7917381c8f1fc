# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every type that a server has, and types made of them, with values as the text that PostgreSQL takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import psycopg
from base_types import EXTENSIONS, LEFT_OUT, MADE, OF_EXTENSIONS, Made

# The types that the tests make; their tables are elsewhere.
SCHEMA = "by_type_own"
Valid = Callable[[str, str], bool]
"""Whether a type takes a text."""


@dataclass(frozen=True)
class Shape:
    """A type.

    Attributes:
        declared: in the definition of a column.
        kind: base, enum, composite, array, range or multirange; of a domain that of what it is over.
        base: PostgreSQL's name of the base type; of others their own.
        element: of an array, range or multirange.
        fields: of a composite type.
        labels: of an enum.
        made: values of a base type.
        key: whether it can be in a primary key.
        delimiter: between elements of an array of it.
        required: whether a domain takes no null.
        domain: whether it is one.
    """

    declared: str
    kind: str
    base: str
    element: Shape | None = None
    fields: tuple[Shape, ...] = ()
    labels: tuple[str, ...] = ()
    made: Made | None = field(default=None, repr=False)
    key: bool = True
    delimiter: str = ","
    required: bool = False
    domain: bool = False

    @property
    def cast(self) -> str:
        """As in a cast."""
        return self.declared.replace(' COLLATE "C"', "")

    def extremes(self, rng: random.Random, valid: Valid) -> list[str]:
        """Values that must have been tried."""
        if self.made is not None:
            return list(self.made.extremes)
        if self.kind == "enum":
            return list(self.labels)
        if self.kind == "array":
            return self._arrays(rng, valid)
        if self.kind == "range":
            inner = self.element.extremes(rng, valid)
            found = ["empty", "(,)", f"[{_quoted(inner[-1])},)", f"(,{_quoted(inner[0])}]"]
            return [text for text in found if valid(self.declared, text)]
        if self.kind == "multirange":
            return ["{}", "{(,)}", f"{{{','.join(self.element.extremes(rng, valid))}}}"]
        nothing = ",".join("" for _other in self.fields)
        rows = [[each.extremes(rng, valid) for each in self.fields]] if self.fields else []
        return [
            f"({nothing})",
            *(_row([values[at % len(values)] for values in row]) for row in rows for at in range(3)),
        ]

    def sample(self, rng: random.Random, valid: Valid) -> str:
        """Any value."""
        if self.made is not None:
            return self.made.sample(rng)
        if self.kind == "enum":
            return rng.choice(self.labels)
        if self.kind == "array":
            many = [self._item(rng, valid) for _index in range(rng.randint(0, 4))]
            return rng.choice((self._array(many), *self._arrays(rng, valid)))
        if self.kind == "range":
            return self._range(rng, valid)
        if self.kind == "multirange":
            return "{" + ",".join(self.element.sample(rng, valid) for _index in range(rng.randint(0, 3))) + "}"
        return _row([None if rng.random() < 0.2 else each.any(rng, valid) for each in self.fields])

    def any(self, rng: random.Random, valid: Valid) -> str:
        """An extreme or any value."""
        return rng.choice(self.extremes(rng, valid)) if rng.random() < 0.4 else self.sample(rng, valid)

    def large(self, rng: random.Random, valid: Valid) -> str | None:
        """A value that is stored out of line; None where the type has none."""
        if self.made is not None:
            return self.made.large(rng) if self.made.large else None
        if self.kind == "array":
            inner = self.element.large(rng, valid)
            # What does not shrink takes many elements.
            some = [self.element.sample(rng, valid) for _index in range(40)]
            most = 100_000 // (sum(map(len, some)) // len(some) + 4)
            return self._array([inner, None] if inner else rng.choices(some, k=most))
        if self.kind == "composite":
            values = [each.large(rng, valid) for each in self.fields]
            return _row(values) if any(values) else None
        return None

    def _item(self, rng: random.Random, valid: Valid) -> str | None:
        return None if rng.random() < 0.2 else self.element.any(rng, valid)

    def _array(self, items: Iterable[str | None]) -> str:
        return "{" + self.element.delimiter.join("NULL" if item is None else _quoted(item) for item in items) + "}"

    def _arrays(self, rng: random.Random, valid: Valid) -> list[str]:
        """Empty, of nulls, of every extreme, of several dimensions, and with other lower bounds."""
        some = self.element.extremes(rng, valid)
        one, other = some[0], some[-1]
        pair, twice = self._array([one, None]), self._array([other, one])
        deep = self.element.delimiter.join((pair, twice))
        flat = [self._array([each]) for each in some[:12]]
        return [
            "{}",
            self._array([None]),
            self._array([*some[:12], None]),
            f"{{{deep}}}",
            f"[0:1]={pair}",
            f"[-1:0][5:6]={{{deep}}}",
            f"{{{{{deep}}}}}",
            *flat,
        ]

    def _range(self, rng: random.Random, valid: Valid) -> str:
        first, second = self.element.any(rng, valid), self.element.any(rng, valid)
        ends = rng.choice("[("), rng.choice("])")
        for low, high in ((first, second), (second, first)):
            text = ends[0] + _quoted(low) + "," + _quoted(high) + ends[1]
            # The lower bound comes first by the type's own order, and a bound may have no successor.
            if valid(self.declared, text):
                return text
        return "empty"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _row(values: Sequence[str | None]) -> str:
    return "(" + ",".join("" if value is None else _quoted(value) for value in values) + ")"


@dataclass(frozen=True)
class Types:
    """What a server has.

    Attributes:
        dealt: each must be a column of some table.
        missing: base types of the server of which no values are made.
    """

    dealt: tuple[Shape, ...]
    missing: tuple[str, ...]


_BASE = """
SELECT t.typname, t.typdelim::text, t.oid::regtype::text
FROM pg_type t
WHERE t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
ORDER BY t.typname
"""
_RANGES = """
SELECT r.rngtypid::regtype::text, r.rngmultitypid::regtype::text, s.typname
FROM pg_range r JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname IN ('pg_catalog', %s) ORDER BY 1
"""
_LABELS = ("new", "in transit", "größer", "Quote's", '"double"', "a,b", "{}", "back\\slash", "NULL", "UPPER", "")
# Domains over every kind of type; what they are over is found by its place in the list of what comes before.
_MORE = f"""
CREATE TYPE {SCHEMA}.mood AS ENUM ({", ".join("'" + each.replace("'", "''") + "'" for each in _LABELS if each)});
CREATE TYPE {SCHEMA}."Odd Enum" AS ENUM ('x', 'X');
CREATE TYPE {SCHEMA}.pair AS (a integer, "B b" text);
CREATE TYPE {SCHEMA}.nested AS (p {SCHEMA}.pair, many numeric[], m {SCHEMA}.mood, t timestamptz, y bytea);
CREATE TYPE {SCHEMA}.floats AS RANGE (subtype = float8, multirange_type_name = {SCHEMA}.manyfloats);
CREATE TYPE {SCHEMA}.texts AS RANGE (subtype = text, collation = "C", multirange_type_name = {SCHEMA}.manytexts);
CREATE DOMAIN {SCHEMA}.positive AS integer CHECK (VALUE <> -1);
CREATE DOMAIN {SCHEMA}.required AS text NOT NULL DEFAULT 'given' CHECK (length(VALUE) < 200000);
CREATE DOMAIN {SCHEMA}.price AS numeric(12,2) DEFAULT 1.50;
CREATE DOMAIN {SCHEMA}.twice AS {SCHEMA}.price CHECK (VALUE IS DISTINCT FROM -1);
CREATE DOMAIN {SCHEMA}.moment AS timestamp(3) with time zone;
CREATE DOMAIN {SCHEMA}.flags AS bit(7);
CREATE DOMAIN {SCHEMA}.code AS char(8);
CREATE DOMAIN {SCHEMA}.feeling AS {SCHEMA}.mood;
CREATE DOMAIN {SCHEMA}.couple AS {SCHEMA}.pair;
CREATE DOMAIN {SCHEMA}.series AS integer[] CHECK (cardinality(VALUE) < 100000);
CREATE DOMAIN {SCHEMA}.notes AS text[] NOT NULL;
CREATE DOMAIN {SCHEMA}.span AS tstzrange;
CREATE DOMAIN {SCHEMA}.spans AS int4multirange;
"""


def prepare(connection: psycopg.Connection) -> None:
    """Make the types that the tests bring along, in place of those of an earlier run."""
    connection.execute(f"SET client_min_messages = warning; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    available = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
    there = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
    for name in EXTENSIONS:
        if name in available - there:
            connection.execute(f"CREATE EXTENSION {name} SCHEMA {SCHEMA}")
    connection.execute(_MORE)


def read_types(connection: psycopg.Connection) -> Types:
    """Every base type, range and multirange of the server, the types that `prepare` made, and arrays of all of them."""
    rows = connection.execute(_BASE).fetchall()
    missing = tuple(name for name, *_other in rows if name not in MADE and name not in LEFT_OUT)
    base: dict[str, Shape] = {}
    variants: list[Shape] = []
    for name, delimiter, qualified in rows:
        for made in MADE.get(name, ()):
            declared = qualified if name in OF_EXTENSIONS else made.declared
            shape = Shape(declared, "base", name, made=made, key=made.key, delimiter=delimiter)
            base.setdefault(name, shape)
            variants.append(shape)
    ranges: dict[str, Shape] = {}
    for name, multi, inner in connection.execute(_RANGES, (SCHEMA,)).fetchall():
        one = Shape(name, "range", name, element=base[inner])
        ranges[name], ranges[multi] = one, Shape(multi, "multirange", multi, element=one)

    mood = Shape(f"{SCHEMA}.mood", "enum", "mood", labels=tuple(each for each in _LABELS if each))
    odd = Shape(f'{SCHEMA}."Odd Enum"', "enum", "Odd Enum", labels=("x", "X"))
    pair = Shape(f"{SCHEMA}.pair", "composite", "pair", fields=(base["int4"], base["text"]))
    inside = (pair, array(base["numeric"]), mood, base["timestamptz"], base["bytea"])
    nested = Shape(f"{SCHEMA}.nested", "composite", "nested", fields=inside)

    def declared(name: str) -> Shape:
        return next(each for each in variants if each.declared == name)

    def domain(name: str, over: Shape, required: bool = False) -> Shape:
        of = over.__dict__
        return Shape(**{**of, "declared": f"{SCHEMA}.{name}", "required": required, "domain": True})

    price = domain("price", declared("numeric(10,2)"))
    domains = (
        domain("positive", base["int4"]),
        domain("required", base["text"], required=True),
        price,
        domain("twice", price),
        domain("moment", declared("timestamptz(3)")),
        domain("flags", declared("bit(7)")),
        domain("code", declared("char(8)")),
        domain("feeling", mood),
        domain("couple", pair),
        domain("series", array(base["int4"])),
        domain("notes", array(base["text"]), required=True),
        domain("span", ranges["tstzrange"]),
        domain("spans", ranges["int4multirange"]),
    )
    plain = [*variants, *ranges.values(), mood, odd, pair, nested, *domains]
    # PostgreSQL has no array of a domain that takes no null in which a null could be left out.
    arrays = [array(each) for each in plain if not each.required and each.declared != "int2vector"]
    return Types((*plain, *arrays), missing)


def array(of: Shape) -> Shape:
    """An array whose elements have this type. An array of a domain over an array keeps one dimension."""
    return Shape(f"{of.cast}[]", "array", f"_{of.base}", element=of, key=of.key)
