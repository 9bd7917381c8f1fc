"""The table that verify owns: a column of every type, and values that are hard to carry.

Values go in as text, are read back as PostgreSQL has them, and come out of Parquet; both ends are brought to one form
by the column's `kept` and `archived`, so that equal means equal.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cdc_pipeline.names import parse, shown
from cdc_pipeline.verify import probe_text as pg
from cdc_pipeline.verify.probe_forms import DAY, clock, document, double, interval, single, zoned_clock

_UNICODE = "äß€ 漢字 \U0001f600 ‏שלום‎ \t\n'\"\\%|,;{}"
_STATES = ("new", "in transit", "größer")

Form = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """A column of the probe table.

    Attributes:
        extremes: values as text that every run writes.
        sample: another value as text.
        read: SQL that reads the column, `{}` being its name.
        kept: brings what psycopg reads to the form that is compared.
        archived: brings what is read from Parquet to it.
    """

    name: str
    type: str
    extremes: tuple[str, ...]
    sample: Callable[[random.Random], str]
    read: str = "{}"
    kept: Form = lambda value: value
    archived: Form = lambda value: value


def _words(rng: random.Random, most: int) -> str:
    return "".join(rng.choice(_UNICODE + "abc xyz") for _ in range(rng.randint(0, most)))


def _digits(rng: random.Random, whole: int, places: int) -> str:
    text = str(rng.randrange(10 ** rng.randint(1, whole)))
    return rng.choice(("", "-")) + text + "." + "".join(rng.choice("0123456789") for _ in range(places))


def _moment(rng: random.Random) -> datetime:
    return datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=rng.randrange(200 * 365 * DAY))


_READ_INTERVAL = (
    "CASE WHEN {0} IS NOT NULL THEN ARRAY[extract(year FROM {0}) * 12 + extract(month FROM {0}), extract(day FROM {0}),"
    " (extract(hour FROM {0}) * 3600 + extract(minute FROM {0}) * 60) * 1000000"
    " + extract(microseconds FROM {0})]::bigint[] END"
)

# Beyond what Python's dates and 64 bits of microseconds hold, and on both sides of where calendars changed.
_DATES = ("infinity", "-infinity", "4714-11-24 BC", "0001-12-31 BC", "1582-10-10", "5874897-12-31")
_MOMENTS = (
    "infinity",
    "-infinity",
    "4714-11-24 00:00:00 BC",
    "0001-12-31 23:59:59.999999 BC",
    "1582-10-10 01:02:03.000004",
    "294276-12-31 23:59:59.999999",
)


def _by_text(
    name: str, type: str, extremes: tuple[str, ...], sample: Callable[[random.Random], str], archived: Form = str
) -> Column:
    """A column that is compared as PostgreSQL's text. Not `::text`, which changes some types' values."""
    return Column(name, type, extremes, sample, "CASE WHEN {0} IS NOT NULL THEN format('%%s', {0}) END", str, archived)


COLUMNS: tuple[Column, ...] = (
    Column("c_smallint", "smallint", ("-32768", "32767", "0"), lambda r: str(r.randint(-32768, 32767))),
    Column("c_integer", "integer", ("-2147483648", "2147483647", "0"), lambda r: str(r.randint(-(2**31), 2**31 - 1))),
    Column(
        "c_bigint",
        "bigint",
        ("-9223372036854775808", "9223372036854775807", "0"),
        lambda r: str(r.randint(-(2**63), 2**63 - 1)),
    ),
    Column(
        "c_real",
        "real",
        ("-3.4028235e38", "1e-45", "NaN", "Infinity"),
        lambda r: repr(r.uniform(-1e6, 1e6)),
        kept=single,
        archived=single,
    ),
    Column(
        "c_double",
        "double precision",
        ("-1.7976931348623157e308", "5e-324", "NaN", "-Infinity"),
        lambda r: repr(r.uniform(-1e12, 1e12)),
        kept=double,
        archived=double,
    ),
    Column(
        "c_numeric",
        "numeric(20, 6)",
        ("-99999999999999.999999", "99999999999999.999999", "0.000001"),
        lambda r: _digits(r, 14, 6),
    ),
    Column(
        "c_numeric_38", "numeric(38, 10)", ("9" * 28 + "." + "9" * 10, "-0.0000000001"), lambda r: _digits(r, 28, 10)
    ),
    Column(
        "c_numeric_60",
        "numeric(60, 20)",
        ("9" * 40 + "." + "9" * 20, "-" + "9" * 40 + "." + "9" * 20),
        lambda r: _digits(r, 40, 20),
        archived=Decimal,
    ),
    Column(
        "c_numeric_any",
        "numeric",
        ("1e100", "-1e-30", "123456789.123456789123456789"),
        lambda r: _digits(r, r.randint(1, 60), r.randint(0, 30)),
        archived=Decimal,
    ),
    Column("c_text", "text", ("", _UNICODE, "x" * 1500), lambda r: _words(r, 200)),
    Column("c_varchar", "varchar(40)", ("", "€" * 40), lambda r: _words(r, 40)),
    Column("c_char", "char(8)", ("", "漢字"), lambda r: _words(r, 8).replace("\n", "")),
    Column("c_boolean", "boolean", ("true", "false"), lambda r: r.choice(("true", "false"))),
    Column(
        "c_bytea",
        "bytea",
        ("\\x", "\\x00ff00", "\\x" + bytes(range(256)).hex()),
        lambda r: "\\x" + r.randbytes(r.randint(0, 300)).hex(),
    ),
    Column(
        "c_date",
        "date",
        ("1900-01-01", "1970-01-01", "9999-12-31", "2024-02-29"),
        lambda r: str(date(1900, 1, 1) + timedelta(days=r.randrange(200 * 365))),
    ),
    Column("c_time", "time", ("00:00:00", "23:59:59.999999"), lambda r: str(_moment(r).time())),
    Column(
        "c_timetz",
        "timetz",
        ("00:00:00+14", "23:59:59.999999-12"),
        lambda r: f"{_moment(r).time()}{r.choice(('+02', '-07:30', '+00'))}",
        kept=clock,
        archived=zoned_clock,
    ),
    Column(
        "c_timestamp",
        "timestamp",
        ("1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"),
        lambda r: _moment(r).replace(tzinfo=None).isoformat(" "),
    ),
    Column(
        "c_timestamptz",
        "timestamptz",
        ("1970-01-01 00:00:00+00", "1969-12-31 23:59:59.999999+00", "9999-12-31 23:59:59.999999+00"),
        lambda r: _moment(r).isoformat(" "),
    ),
    Column(
        "c_interval",
        "interval",
        ("0", "1 year 2 mons 3 days 04:05:06.789", "-1 mons +2 days -00:00:00.000001"),
        lambda r: f"{r.randint(-99, 99)} mons {r.randint(-99, 99)} days {r.randint(0, DAY)} microseconds",
        read=_READ_INTERVAL,
        archived=interval,
    ),
    Column(
        "c_uuid", "uuid", ("00000000-0000-0000-0000-000000000000", "f" * 32), lambda r: r.randbytes(16).hex(), kept=str
    ),
    Column(
        "c_json",
        "json",
        ("null", '{"a": [1, 2.50, null, {"b": "' + "漢字" + '"}], "large": 12345678901234567890}', "[]"),
        lambda r: json.dumps({"words": _words(r, 60), "number": r.randint(0, 2**70)}),
        read="{}::text",
        kept=document,
        archived=document,
    ),
    Column(
        "c_jsonb",
        "jsonb",
        ("null", '{"a": [1, 2.50, null], "": {}}', '"text"'),
        lambda r: json.dumps({_words(r, 5): _words(r, 60), "list": [r.random(), True, None]}),
        read="{}::text",
        kept=document,
        archived=document,
    ),
    Column(
        "c_inet", "inet", ("0.0.0.0", "192.168.1.7/24", "2001:db8::1"), lambda r: f"10.{r.randrange(256)}.0.1", kept=str
    ),
    Column("c_cidr", "cidr", ("0.0.0.0/0", "2001:db8::/32"), lambda r: f"10.{r.randrange(256)}.0.0/16", kept=str),
    Column("c_macaddr", "macaddr", ("00:00:00:00:00:00",), lambda r: r.randbytes(6).hex(":")),
    Column(
        "c_integers",
        "integer[]",
        ("{}", "{1,NULL,-2147483648}"),
        lambda r: "{" + ",".join(str(r.randint(-99, 99)) for _ in range(r.randint(0, 9))) + "}",
    ),
    Column(
        "c_texts",
        "text[]",
        ("{}", '{"",NULL,"a,b","\\"{}\\\\"}', '{"漢字"}'),
        lambda r: '{"' + r.choice(_STATES) + '"}',
    ),
    Column("c_state", "public.pipeline_probe_state", _STATES, lambda r: r.choice(_STATES)),
    _by_text("c_date_any", "date", _DATES, lambda r: pg.day(r.randint(-2_000_000, 2_000_000)), pg.day),
    _by_text("c_timestamp_any", "timestamp", _MOMENTS, lambda r: pg.moment(r.randint(-(2**56), 2**62)), pg.moment),
    _by_text(
        "c_timestamp_3",
        "timestamp(3)",
        ("infinity", "-infinity", "0044-03-15 12:00:00.001 BC"),
        lambda r: pg.moment(r.randint(-(2**47), 2**52) * 1000),
        pg.moment,
    ),
    _by_text(
        "c_timestamptz_any",
        "timestamptz",
        tuple(each.replace(" BC", "+00 BC") if "BC" in each else each for each in _MOMENTS),
        lambda r: pg.instant(r.randint(-(2**56), 2**62)),
        pg.instant,
    ),
    _by_text("c_time_any", "time", ("24:00:00", "00:00:00"), lambda r: pg.clock(r.randrange(DAY)), pg.clock),
    _by_text(
        "c_timetz_any",
        "timetz",
        ("24:00:00-15:59", "00:00:00+15:59:59", "23:59:59.999999-12"),
        lambda r: f"{pg.clock(r.randrange(DAY))}{r.choice(('+02', '-07:30', '+00'))}",
    ),
    _by_text("c_numeric_nan", "numeric(10, 2)", ("NaN", "99999999.99"), lambda r: _digits(r, 8, 2), pg.decimal),
    _by_text("c_numeric_exact", "numeric", ("NaN", "1.500", "0.00", "-0.0010"), lambda r: _digits(r, 30, 12)),
    _by_text("c_bit", "bit(7)", ("0000011", "1111111"), lambda r: format(r.randrange(128), "07b"), pg.bits(7)),
    _by_text("c_varbit", "bit varying", ("", "101", "0101"), lambda r: format(r.randrange(2**20), "b")),
    Column(
        "c_money",
        "money",
        ("-92233720368547758.08", "0.01"),
        lambda r: _digits(r, 9, 2),
        read="{}::numeric",
        archived=Decimal,
    ),
    _by_text("c_xml", "xml", ("", "<a>ä&lt;</a><b c='d'/>"), lambda r: f"<n>{r.randrange(99)}</n>"),
    _by_text("c_name", "name", ("", "Größe"), lambda r: f"name{r.randrange(99)}"),
    _by_text("c_oid", "oid", ("0", "4294967295"), lambda r: str(r.randrange(2**32))),
    _by_text("c_macaddr8", "macaddr8", ("00:00:00:00:00:00:00:00",), lambda r: r.randbytes(8).hex(":")),
    _by_text("c_pg_lsn", "pg_lsn", ("0/0", "FFFFFFFF/FFFFFFFF"), lambda r: f"16/{r.randrange(1, 2**32):X}"),
    _by_text("c_tsvector", "tsvector", ("", "'a':1A 'it''s':2"), lambda r: f"'w{r.randrange(99)}':1"),
    _by_text("c_point", "point", ("(0,-0)", "(0.1,1e-300)", "(NaN,Infinity)"), lambda r: f"({r.random()},1)", pg.point),
    _by_text(
        "c_polygon",
        "polygon",
        ("((0,0),(1,1),(0,0))", "((0,0))"),
        lambda r: f"((0,{r.randrange(9)}),(1,1))",
        pg.polygon,
    ),
    _by_text("c_int4range", "int4range", ("empty", "(,)", "[1,5)"), lambda r: f"[{r.randrange(9)},10)"),
    _by_text("c_tstzrange", "tstzrange", ('["2024-01-01 00:00:00+00",infinity)',), lambda r: "(,infinity)"),
    _by_text(
        "c_dimensions",
        "integer[]",
        ("{{1,2},{3,NULL}}", "[0:1]={7,8}", "{}", "{1,NULL}"),
        lambda r: f"{{{{{r.randrange(99)}}}}}",
        pg.array(str),
    ),
    _by_text("c_booleans", "boolean[]", ("{t,NULL,f}", "{}"), lambda r: "{t}", pg.array(pg.boolean)),
    _by_text("c_doubles", "float8[]", ("{NaN,-Infinity,-0,0.1}",), lambda r: f"{{{r.random()}}}", pg.array(pg.number)),
    _by_text("c_numerics", "numeric[]", ("{NaN,1.50,NULL}", "{1.500}"), lambda r: "{2}", pg.array(pg.decimal)),
    _by_text("c_byteas", "bytea[]", ('{"\\\\x00ff",NULL}', "{}"), lambda r: '{"\\\\x01"}', pg.array(pg.binary)),
    _by_text(
        "c_timestamptzs",
        "timestamptz[]",
        ('{infinity,NULL,"2024-01-01 00:00:00+00"}', '{"2024-01-01 00:00:00.5+00",NULL}'),
        lambda r: f'{{"{pg.instant(r.randrange(2**50))}"}}',
        pg.array(pg.plain_instant),
    ),
    _by_text("c_intervals", "interval[]", ('{"1 day",NULL}', "{}"), lambda r: '{"1 mon -00:00:01"}'),
    _by_text(
        "c_states", "public.pipeline_probe_state[]", ('{new,NULL,"in transit"}',), lambda r: "{größer}", pg.array(str)
    ),
)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
Values = tuple[str | None, ...]


def ddl(table: str) -> str:
    """SQL that makes the table, its type and its columns as far as they are not there. It can be run any time."""
    schema = shown(parse(table).schema)
    states = ", ".join(f"'{each}'" for each in _STATES)
    columns = ",\n".join(f"    {column.name} {column.type}" for column in COLUMNS)
    added = "\n".join(
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.name} {column.type};" for column in COLUMNS
    )
    return f"""\
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS {schema};
DO $$ BEGIN
    CREATE TYPE public.pipeline_probe_state AS ENUM ({states});
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
CREATE TABLE IF NOT EXISTS {table} (
    run text NOT NULL,
    id integer NOT NULL,
    made timestamptz NOT NULL DEFAULT now(),
{columns},
    PRIMARY KEY (run, id)
);
{added}
COMMENT ON TABLE {table} IS 'Belongs to the verification of cdc.pipeline: rows come and go with each run';
"""


def rows(rng: random.Random, count: int) -> list[Values]:
    """Rows to insert: nothing but nulls, every extreme at least once, then others with a null here and there."""
    deepest = max(len(column.extremes) for column in COLUMNS)
    found: list[Values] = [tuple(None for _ in COLUMNS)]
    found += [tuple(column.extremes[at % len(column.extremes)] for column in COLUMNS) for at in range(deepest)]
    while len(found) < count:
        found.append(tuple(None if rng.random() < 0.1 else column.sample(rng) for column in COLUMNS))
    return found


def insert_sql(table: str) -> str:
    """Takes run, id and the values; returns the columns as they are compared."""
    marks = ", ".join(f"%s::{column.type}" for column in COLUMNS)
    return f"INSERT INTO {_bound(table)} (run, id, {', '.join(NAMES)}) VALUES (%s, %s, {marks}) RETURNING {_reading()}"


def update_sql(table: str) -> str:
    """Takes the values, run and id; returns the columns as they are compared."""
    marks = ", ".join(f"{column.name} = %s::{column.type}" for column in COLUMNS)
    return f"UPDATE {_bound(table)} SET {marks} WHERE run = %s AND id = %s RETURNING {_reading()}"


def _bound(table: str) -> str:
    """A table in a statement with places for arguments."""
    return table.replace("%", "%%")


def _reading() -> str:
    return ", ".join(column.read.format(column.name) for column in COLUMNS)


def kept(values: Sequence[Any]) -> dict[str, Any]:
    """What PostgreSQL has, in the form that is compared."""
    pairs = zip(COLUMNS, values, strict=True)
    return {column.name: None if value is None else column.kept(value) for column, value in pairs}


# Columns of values that Python's types lack.
UNBOUND = ("c_date_any", "c_timestamp_any", "c_timestamp_3", "c_timestamptz_any")


def beside(row: dict[str, Any], name: str) -> str | None:
    """PostgreSQL's text of a value that its column cannot hold."""
    return (row.get("__text") or {}).get(name)


def archived(row: dict[str, Any], column: Column) -> Any:
    """What Parquet has in a column, in the form that is compared; text that says why when it has no such form."""
    if column.name not in row:
        return "no such column"
    value = row[column.name]
    try:
        return beside(row, column.name) if value is None else column.archived(value)
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        return f"{value!r}: {error}"
