# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values that a column of the archive holds exactly, or that are null there, with PostgreSQL's text beside.

Each by a snapshot, inserted and updated.

Longer than 400 lines: most of it is the tables of values, of which the tests below are a line or two each.
"""

from __future__ import annotations

import pytest
from cases import WAYS, Column, Table, beside, each_column, holds, table_of
from pipeline import OBJECTS, VIEWS, Archived
from reading import Beside, Cell

_PRECISIONS = ("timestamp", *(f"timestamp({digits})" for digits in range(7)))
_ZONED = ("timestamptz", *(f"timestamptz({digits})" for digits in range(7)))
_INFINITIES = ("infinity", "-infinity")

INFINITE_INSTANTS = [
    *(column for type_ in _ZONED for column in beside(type_, *_INFINITIES)),
    *beside("timestamptz[]", '{infinity,"2024-01-01 00:00:00+00",-infinity}'),
    *holds("tstzrange", '["2024-01-01 00:00:00+00",infinity)', "[-infinity,infinity]", "(,)"),
    *holds("tstzmultirange", '{["2024-01-01 00:00:00+00",infinity)}'),
    *holds("{t.validity}", '(1,infinity,"2024-01-01 00:00:00+00")'),
    *beside("{t.deadline}", "infinity"),
]

INFINITE_DATES = [
    *(column for type_ in ("date", *_PRECISIONS) for column in beside(type_, *_INFINITIES)),
    *beside("date[]", "{infinity,2024-01-01,-infinity}"),
    *beside("timestamp[]", '{infinity,"2024-01-01 00:00:00"}'),
    *beside("timestamp(3)[]", '{-infinity,"2024-01-01 00:00:00"}'),
    *holds("daterange", "[2024-01-01,infinity)", "(-infinity,2024-01-01)"),
    *holds("tsrange", '["2024-01-01 00:00:00",infinity)'),
    *holds("datemultirange", "{[2024-01-01,infinity)}"),
    *beside("{t.due}", "infinity"),
]

_SPECIALS = ("NaN", "Infinity", "-Infinity")
NOT_NUMBERS = [
    *beside("numeric", *_SPECIALS),
    *(column for type_ in ("numeric(10,2)", "numeric(38,10)", "numeric(50,2)") for column in beside(type_, "NaN")),
    *beside("{t.price}", "NaN"),
    *beside("numeric[]", "{NaN,1.50,NULL,Infinity}"),
    *beside("numeric(10,2)[]", "{NaN,1.50}"),
    *holds("numrange", "[1.5,NaN)"),
    *holds("real", *_SPECIALS),
    *holds("double precision", *_SPECIALS),
    *holds("double precision[]", "{NaN,-Infinity,0.1}", seen=["NaN", "-Infinity", "0.1"]),
]

SCALES = [
    *holds("numeric(5,-2)", "1234500", "-1200", "0"),
    *holds("numeric(3,5)", "0.00123", "-0.00999"),
    *holds("numeric(3,3)", "0.123"),
    *holds("numeric(2,-998)", "12" + "0" * 998),
    *holds("numeric(5,0)", "12345"),
    *holds("numeric(38,10)", "1234567890123456789012345678.0123456789", "-0.0000000001"),
    *holds("numeric(39,1)", "12345678901234567890123456789012345678.9"),
    *holds("numeric(1000,500)", "1." + "3" * 500),
    *holds("numeric(1000,1000)", "0." + "1" * 1000),
    *holds("numeric", "1.500", "1500", "0.000", "-0.00001", "1" * 200, "0." + "0" * 100 + "1"),
    *holds("numeric(5,-2)[]", "{1234500,NULL}", seen=["1234500", None]),
    *holds("numeric(3,5)[]", "{0.00123}", seen=["0.00123"]),
    *holds("numeric[]", "{1.500,NULL,2}", seen=["1.500", None, "2"]),
    *holds("{t.thousands}", "12000"),
]

ARRAYS = [
    *beside("int[]", "{{1,2},{3,4}}", "{{{1},{2}},{{3},{4}}}", "[0:1]={7,8}", "[-1:0]={7,NULL}", "{{1,NULL}}"),
    *(
        column
        for type_, text in {
            "smallint[]": "{{1,2}}",
            "bigint[]": "{{1,2}}",
            "real[]": "{{1.5,2}}",
            "double precision[]": "{{1.5,NaN}}",
            "numeric[]": "{{1.50,NULL}}",
            "boolean[]": "{{t,f}}",
            "text[]": '{{a,"b,c"},{"",NULL}}',
            "varchar(5)[]": "{{a,b}}",
            "char(3)[]": '{{"a  ","b  "}}',
            "uuid[]": "{{6f2d1c1e-0000-4000-8000-000000000001}}",
            "date[]": "{{2024-01-01},{2024-01-02}}",
            "timestamp[]": '{{"2024-01-01 12:00:00"}}',
            "timestamptz[]": '{{"2024-01-01 12:00:00+00"}}',
            "time[]": "{{12:00:00}}",
            "bytea[]": r'{{"\\x01","\\x02"}}',
            "jsonb[]": r'{{"{\"a\": 1}"}}',
            "inet[]": "{{10.0.0.1,10.0.0.2}}",
            "int4range[]": '{{"[1,2)"}}',
            "{t.mood}[]": "{{ok,bad}}",
            "{t.numbers}": "{{1,2},{3,4}}",
        }.items()
        for column in beside(type_, text)
    ),
    # Debezium has no list for these; they are text as a whole.
    *holds("interval[]", '{"1 day",NULL,-00:00:01}', '{{"1 day","2 days"}}', "{}"),
    *holds("point[]", '{"(1,2)",NULL}', '{{"(1,2)"}}'),
    *holds("bit(3)[]", "{101,NULL}", "{{101,000}}"),
    *holds("varbit[]", "{101,0101,NULL}"),
    *holds("xml[]", "{<a/>,NULL}"),
    *holds("name[]", "{a,NULL}"),
    *holds("pg_lsn[]", "{0/1,NULL}"),
    *holds("money[]", "{$1.50,NULL}"),
    *holds("{t.pair}[]", '{"(1,x)",NULL}', seen=["(1,x)", None]),
    *beside("{t.pair}[]", '{{"(1,x)"}}'),
    *holds("int[]", "{}", seen=[]),
    *holds("int[]", "{1,NULL,3}", seen=["1", None, "3"]),
    *holds("bigint[]", "{9223372036854775807}", seen=["9223372036854775807"]),
    *holds("boolean[]", "{t,NULL,f}", seen=["true", None, "false"]),
    *holds("text[]", r'{a,NULL,"NULL","","b,c","\"\\"}', seen=["a", None, "NULL", "", "b,c", '"\\']),
    *holds("date[]", "{2024-01-01,NULL}", seen=["2024-01-01", None]),
    *holds("time[]", "{12:00:00.5,NULL}", seen=["12:00:00.5", None]),
    *holds("timestamp[]", '{"2024-01-01 12:00:00.000001"}', seen=["2024-01-01 12:00:00.000001"]),
    *holds("timestamptz[]", '{"2024-01-01 12:00:00.5+00"}', seen=["2024-01-01 12:00:00.5+00"]),
    *holds("bytea[]", r'{"\\x00ff",NULL}', seen=["\\x00ff", None]),
    *holds("uuid[]", "{6f2d1c1e-0000-4000-8000-000000000001}", seen=["6f2d1c1e-0000-4000-8000-000000000001"]),
    *holds("jsonb[]", r'{"{\"a\": 1}",NULL}', seen=['{"a": 1}', None]),
    *holds("{t.mood}[]", "{ok,NULL,bad}", seen=["ok", None, "bad"]),
    *holds("inet[]", "{10.0.0.1/8,NULL}", seen=["10.0.0.1/8", None]),
    *holds("int4range[]", '{"[1,2)",NULL}', seen=["[1,2)", None]),
]

UNKNOWN = [
    *holds("{t.pair}", "(1,x)", '(,"")', "(,)", '(1,"a ""quoted"", (one)")'),
    *holds("{t.nested}", '("(1,x)","{""(2,y)"",NULL}",)', "(,,)"),
    *holds("{t.pairs}", '{"(1,x)"}', seen=["(1,x)"]),
    *holds("{t.domain_pair}", "(1,x)"),
    *holds("{t.domain_pair}[]", '{"(1,x)",NULL}', seen=["(1,x)", None]),
    # Its elements are parted by semicolons.
    *beside("{t.frame}[]", "{(1,1),(0,0);(3,3),(2,2)}", "{(1,1),(0,0)}"),
    *holds("interval[]", '{"1 year 2 mons 3 days 04:05:06",00:00:00}'),
    *holds("pg_lsn", "16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF"),
    *holds("int4multirange", "{}", "{[1,3),[5,8)}"),
    *holds("nummultirange", "{[1.50,2.0]}"),
    *holds("{t.floats}", "[0.1,0.5)"),
    *holds("tsquery", "'a' & 'b' | !'c'"),
    *holds("tsvector", "'a':1A 'b':2"),
    *holds("jsonpath", '$."a"[*]?(@ > 1)'),
    *holds("xid", "4294967295"),
    *holds("xid8", "18446744073709551615"),
    *holds("cid", "7"),
    *holds("tid", "(4294967295,65535)"),
    *holds("oid", "4294967295"),
    *holds("oidvector", "1 2 3", seen=["1", "2", "3"]),
    *holds("int2vector", "1 2 3", seen=["1", "2", "3"]),
    *holds("regclass", "pg_class"),
    *holds("regtype", "integer", '"char"'),
    *holds("regproc", "now"),
    *holds("regprocedure", "abs(integer)"),
    *holds("regoperator", "+(integer,integer)"),
    *holds("regrole", "postgres"),
    *holds("regnamespace", "public"),
    *holds("pg_snapshot", "10:20:10,14,15"),
    *holds("txid_snapshot", "10:20:10,14,15"),
    *holds("name", "a name"),
    *holds('"char"', "x"),
    *holds("aclitem", "postgres=r/postgres"),
    # The driver would open the cursor of that name.
    *holds("refcursor", "a cursor", ""),
    *holds("{t.named}", "a cursor"),
    *holds("refcursor[]", '{"a cursor",NULL}'),
    *holds("macaddr8", "08:00:2b:01:02:03:04:05"),
    *holds("cidr", "10.0.0.0/8"),
    *holds("char(5)", "a    "),
]

_EDGES = (
    "1582-10-04",
    "1582-10-05",
    "1582-10-14",
    "1582-10-15",
    "1582-10-24",
    "1582-10-25",
    "1500-03-01",
    "0001-01-01",
    "0099-12-31",
    "9999-12-31",
)
_BEFORE_CHRIST = ("4713-01-01", "0044-03-15", "0001-12-31", "0001-01-01", "0005-02-29")
CALENDAR = [
    *holds("date", *_EDGES, *(f"{day} BC" for day in _BEFORE_CHRIST), "10000-01-01", "5874897-12-31", "1969-12-31"),
    *holds("timestamp", *(f"{day} 23:59:59.999999" for day in _EDGES)),
    *holds("timestamp", *(f"{day} 00:00:00.000001 BC" for day in _BEFORE_CHRIST), "294246-12-31 23:59:59.999999"),
    *beside("timestamp", "294276-12-31 23:59:59.999999", "294247-01-10 04:00:54.775808"),
    *holds("timestamp(3)", *(f"{day} 23:59:59.999" for day in _EDGES), "0044-03-15 12:00:00.001 BC"),
    *holds("timestamp(0)", "1582-10-10 12:00:00", "0044-03-15 12:00:00 BC"),
    *holds("timestamptz", *(f"{day} 23:59:59.999999+00" for day in _EDGES)),
    *holds("timestamptz", *(f"{day} 12:00:00+00 BC" for day in _BEFORE_CHRIST), "294246-12-31 23:59:59.999999+00"),
    *beside("timestamptz", "294276-12-31 23:59:59.999999+00"),
    *holds(
        "date[]",
        '{1582-10-10,"0044-03-15 BC",0001-01-01,NULL,10000-01-01}',
        seen=["1582-10-10", "0044-03-15 BC", "0001-01-01", None, "10000-01-01"],
    ),
    *holds(
        "timestamp[]",
        '{"1582-10-10 12:00:00","0044-03-15 12:00:00 BC","0001-01-01 00:00:00"}',
        seen=["1582-10-10 12:00:00", "0044-03-15 12:00:00 BC", "0001-01-01 00:00:00"],
    ),
    *holds(
        "timestamptz[]",
        '{"1582-10-10 12:00:00+00","0044-03-15 12:00:00+00 BC",NULL}',
        seen=["1582-10-10 12:00:00+00", "0044-03-15 12:00:00+00 BC", None],
    ),
    *beside("timestamp[]", '{"294276-12-31 23:59:59.999999"}'),
    *holds("daterange", '["0044-03-15 BC",1582-10-10)'),
    *holds("datemultirange", "{[1582-10-04,1582-10-10)}"),
    *holds("{t.day}", *_EDGES),
    *holds("{t.days}", "{1582-10-10,1582-10-20}", seen=["1582-10-10", "1582-10-20"]),
    *holds("{t.span}", "[1582-10-10,1582-10-20)"),
    *holds("{t.when}", '(1582-10-10,"1582-10-20 12:00:00")'),
]

TIMES = [
    *(
        Column(type_, literal, seen)
        for type_ in ("timetz", "timetz(3)")
        for literal, seen in {
            "12:00:00+02": "12:00:00+02",
            "24:00:00-15:59": "24:00:00-15:59",
            "00:00:00+00": "00:00:00+00",
            "12:00:00.5+05:30:15": "12:00:00.5+05:30:15",
        }.items()
    ),
    *holds("time", "00:00:00", "23:59:59.999999", "12:00:00.000001"),
    *holds("time(0)", "12:00:01"),
    *beside("time", "24:00:00"),
    *beside("time(3)", "24:00:00"),
    *beside("time[]", "{24:00:00,12:00:00}"),
    *holds("timetz[]", "{12:00:00+02,NULL}", seen=["12:00:00+02", None]),
    *holds("varbit", "101", "0101", "", "1" * 100),
    *holds("varbit(5)", "00101"),
    *holds("bit(3)", "101", seen="\\x05"),
    *holds("bit(16)", "1000000000000001", seen="\\x0180"),
    *holds("bit(1)", "1", seen="true"),
    *holds("bit(1)", "0", seen="false"),
    *holds("interval", "1 year 2 mons 3 days 04:05:06.606999", seen="P1Y2M3DT4H5M6.606999S"),
    *holds("interval", "-1 mons +1 day -00:00:00.000001", seen="P0Y-1M1DT0H0M-0.000001S"),
    *holds("interval", "2562047788:00:54.775807", seen="P0Y0M0DT2562047788H0M54.775807S"),
    *holds("interval", "-2562047788:00:54.775807", seen="P0Y0M0DT-2562047788H0M-54.775807S"),
    *holds("double precision", "0.3333333333333333", "5e-324", "1.7976931348623157e+308", "-0"),
    *holds("real", "0.33333334", "1e-45", "3.4028235e+38", "-0"),
    *holds("double precision[]", "{0.3333333333333333,NULL}", seen=["0.3333333333333333", None]),
    *holds("real[]", "{0.33333334,NULL}", seen=["0.33333334", None]),
]

_COMPOSITES = (
    "CREATE TYPE {t.pair} AS (a int, b text)",
    "CREATE TYPE {t.nested} AS (one {t.pair}, many {t.pair}[], span interval)",
    "CREATE DOMAIN {t.pairs} AS {t.pair}[]",
    "CREATE DOMAIN {t.domain_pair} AS {t.pair}",
    "CREATE DOMAIN {t.frame} AS box",
    "CREATE TYPE {t.floats} AS RANGE (subtype = float8)",
    "CREATE DOMAIN {t.named} AS refcursor",
)


def _own_types(statements: tuple[str, ...], table: str) -> tuple[str, ...]:
    """Types of one table alone."""
    return tuple(each.replace("{t.", f"{{t.{table}_") for each in statements)


def _named(table: str, columns: list[Column]) -> list[Column]:
    return [Column(each.type.replace("{t.", f"{{t.{table}_"), each.literal, each.seen) for each in columns]


GROUPS: dict[str, tuple[list[Column], tuple[str, ...]]] = {
    "instants": (
        INFINITE_INSTANTS,
        ("CREATE DOMAIN {t.deadline} AS timestamptz", "CREATE TYPE {t.validity} AS (n int, b date, a timestamptz)"),
    ),
    "dates": (INFINITE_DATES, ("CREATE DOMAIN {t.due} AS date",)),
    "not_numbers": (NOT_NUMBERS, ("CREATE DOMAIN {t.price} AS numeric(10,2)",)),
    "scales": (SCALES, ("CREATE DOMAIN {t.thousands} AS numeric(5,-3)",)),
    "arrays": (
        ARRAYS,
        ("CREATE TYPE {t.mood} AS ENUM ('ok', 'bad')", "CREATE DOMAIN {t.numbers} AS int[]", _COMPOSITES[0]),
    ),
    "unknown_types": (UNKNOWN, _COMPOSITES),
    "calendar": (
        CALENDAR,
        (
            "CREATE DOMAIN {t.day} AS date",
            "CREATE DOMAIN {t.days} AS date[]",
            "CREATE DOMAIN {t.span} AS daterange",
            "CREATE TYPE {t.when} AS (d date, t timestamp)",
        ),
    ),
    "times": (TIMES, ()),
}
# The same where no column may be null: what is beside is null there all the same.
STRICT = ("instants", "dates", "not_numbers", "arrays")


def _table(name: str, group: str, options: str = "") -> Table:
    columns, types = GROUPS[group]
    made = table_of(name, _named(name, columns), options, _own_types(types, name))
    names = [each.split()[2].replace("{t.", f"{{t.{name}_") for each in types]
    kinds = [each.split()[1] for each in types]
    drop = tuple(
        f"DROP {kind} IF EXISTS {type_} CASCADE" for kind, type_ in reversed(list(zip(kinds, names, strict=True)))
    )
    return Table(made.name, made.create, made.before, made.after, drop)


KEYED_COLUMNS = [*beside("timestamptz", "infinity"), *beside("date", "-infinity"), *beside("numeric", "NaN")]
_KEY = "'infinity', '-infinity', 'NaN', 'b'"
_DAYS = ",".join(f"1582-10-{day:02}" for day in range(1, 32))
TABLES = [
    *(_table(group, group) for group in GROUPS),
    *(_table(f"strict_{group}", group, "NOT NULL") for group in STRICT),
    Table(
        "odd_keys",
        create=("CREATE TABLE {t} (c0 timestamptz, c1 date, c2 numeric, k text, n int, PRIMARY KEY (c0, c1, c2, k))",),
        before=(f"INSERT INTO {{t}} VALUES ({_KEY.replace('b', 'a')}, 1)",),
        after=(
            f"INSERT INTO {{t}} VALUES ({_KEY}, 2)",
            "UPDATE {t} SET n = 3 WHERE k = 'b'",
            "DELETE FROM {t} WHERE k = 'a'",
        ),
    ),
    Table(
        "day_keys",
        create=("CREATE TABLE {t} (d date PRIMARY KEY, n int)",),
        before=(f"INSERT INTO {{t}} SELECT d, 1 FROM unnest('{{{_DAYS}}}'::date[]) AS d",),
        after=("UPDATE {t} SET n = 2 WHERE d = '1582-10-05'", "DELETE FROM {t} WHERE d = '1582-10-24'"),
    ),
]


def _same(archived: Archived, table: str, column: str, type_: str, seen: Cell) -> None:
    expected, found = {}, {}
    for way, (number, op) in WAYS.items():
        for reader in (OBJECTS, VIEWS):
            name = f"{way} by {reader}"
            expected[name] = seen
            found[name] = archived.row(table, reader, op, id=number).cell(column, type_)
    assert found == expected


@each_column("instants", INFINITE_INSTANTS)
def test_an_infinite_timestamptz_is_a_row(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("dates", INFINITE_DATES)
def test_an_infinite_date_is_beside_as_text(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("not_numbers", NOT_NUMBERS)
def test_nan_is_beside_as_text(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("arrays", ARRAYS)
def test_an_array_of_any_shape_is_lossless(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("unknown_types", UNKNOWN)
def test_a_type_that_debezium_does_not_know_is_text(
    archived: Archived, table: str, column: str, type_: str, seen: Cell
):
    _same(archived, table, column, type_, seen)


@each_column("scales", SCALES)
def test_a_numeric_of_any_scale_has_all_its_digits(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("calendar", CALENDAR)
def test_a_day_of_any_calendar_is_postgresqls(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@each_column("times", TIMES)
def test_times_bits_and_floats_are_exact(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    _same(archived, table, column, type_, seen)


@pytest.mark.parametrize("group", STRICT)
def test_what_a_not_null_column_cannot_hold_is_beside_too(archived: Archived, group: str):
    columns = GROUPS[group][0]
    rows = {
        f"{way} by {reader}": archived.row(f"strict_{group}", reader, op, id=number)
        for way, (number, op) in WAYS.items()
        for reader in (OBJECTS, VIEWS)
    }
    found = {
        f"{each.label} {how}": row.cell(f"c{at}", each.type)
        for at, each in enumerate(columns)
        for how, row in rows.items()
    }
    expected = {f"{each.label} {how}": each.seen for each in columns for how in rows}
    assert found == expected


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
def test_a_key_of_odd_values_is_beside_as_text(archived: Archived, reader: str):
    rows = [archived.row("odd_keys", reader, op, k=key) for op, key in (("r", "a"), ("c", "b"), ("u", "b"), ("d", "a"))]
    seen = [Beside("infinity"), Beside("-infinity"), Beside("NaN")]
    assert [[row.cell(f"c{at}", "") for at in range(3)] for row in rows] == [seen] * 4


def test_a_key_of_odd_values_has_one_current_row(archived: Archived):
    assert [(row["k"], row["n"]) for row in archived.current["odd_keys"]] == [("b", 3)]


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
def test_each_day_of_october_1582_is_a_key_of_its_own(archived: Archived, reader: str):
    found = [row.cell("d", "date") for row in archived.rows("day_keys", reader) if row["__op"] == "r"]
    assert sorted(found) == _DAYS.split(",")


def test_each_day_of_october_1582_has_one_current_row(archived: Archived):
    rows = {str(row["d"]): row["n"] for row in archived.current["day_keys"]}
    assert rows == {day: 2 if day == "1582-10-05" else 1 for day in _DAYS.split(",") if day != "1582-10-24"}
