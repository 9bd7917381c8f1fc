# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every column of a table has one of its own in the archive, whatever it is called."""

from __future__ import annotations

import pytest
from cases import Table, quoted
from pipeline import OBJECTS, VIEWS, Archived

OURS = (
    "__text",
    "__unsent",
    "__cut",
    "__commit_order",
    "__deleted",
    "__op",
    "__lsn",
    "__txId",
    "__ts_us",
    "__source_ts_us",
    "__partition",
    "__offset",
)
# A table's columns, and what they are called in the archive.
NAMES: dict[str, dict[str, str]] = {
    "names_of_ours": {name: f"{name}_" for name in OURS},
    "names_of_ours_adjusted": {"__offset": "__offset__", "__offset_": "__offset_", "__text_": "__text_"},
    "names_that_avro_lacks": {
        "order-items": "order_items",
        "1st": "_1st",
        "a b": "a_b",
        "c.d": "c_d",
        'we"ird': "we_ird",
        "user$1": "user_1",
        "naïve": "na_ve",
        "Ünï": "_n_",
        "日本": "__",
        "%": "_",
        "e{f}": "e_f_",
    },
    "names_that_collide": {
        "sel-ect": "sel_ect_",
        "sel_ect": "sel_ect",
        "sel ect": "sel_ect__",
        "sel.ect": "sel_ect___",
    },
    # To readers of Parquet they are one.
    "names_that_differ_by_case": {
        "__TEXT": "__TEXT_",
        "__Op": "__Op_",
        "__OFFSET": "__OFFSET_",
        "a-b": "a_b_",
        "A_B": "A_B",
    },
    **{
        table: {name: name for name in names}
        for table, names in {
            "names_of_envelopes": [
                "before",
                "after",
                "source",
                "op",
                "ts_ms",
                "ts_us",
                "transaction",
                "key",
                "value",
                "schema",
            ],
            "names_of_sql": ["select", "Order", "year", "x" * 63, "_", "result", "struct", "filename", "deleted"],
        }.items()
    },
}
KEYS = {"order-items": "order_items", "__offset": "__offset_", "Id": "Id"}


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _named(table: str) -> Table:
    names = NAMES[table]
    columns = ", ".join(f"{_quote(name)} text DEFAULT 'default'" for name in names)
    listed = ", ".join(map(_quote, names))

    def row(number: int) -> str:
        values = ", ".join(quoted(f"{name} {number}") for name in names)
        return f"INSERT INTO {{t}} (id, {listed}) VALUES ({number}, {values})"

    return Table(table, (f"CREATE TABLE {{t}} (id int PRIMARY KEY, {columns})",), (row(1),), (row(2),))


TABLES = [
    *map(_named, NAMES),
    Table(
        "names_of_keys",
        (
            f"CREATE TABLE {{t}} ({', '.join(f'{_quote(key)} int' for key in KEYS)}, n int,"
            f" PRIMARY KEY ({', '.join(map(_quote, KEYS))}))",
        ),
        ("INSERT INTO {t} VALUES (1, 2, 3, 0)",),
        ("INSERT INTO {t} VALUES (4, 5, 6, 0)", "UPDATE {t} SET n = 1", 'DELETE FROM {t} WHERE "Id" = 6'),
    ),
    Table(
        "names_beside",
        ('CREATE TABLE {t} (id int PRIMARY KEY, "a-b" date NOT NULL, "__op" numeric, "__text" timestamptz)',),
        ("INSERT INTO {t} VALUES (1, 'infinity', 'NaN', 'infinity')",),
        ("INSERT INTO {t} VALUES (2, 'infinity', 'NaN', 'infinity')", "DELETE FROM {t} WHERE id = 1"),
    ),
]


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
@pytest.mark.parametrize(
    ("table", "name", "field"),
    [pytest.param(t, name, field, id=f"{t} {name}") for t, names in NAMES.items() for name, field in names.items()],
)
def test_a_column_of_any_name_is_there(archived: Archived, table: str, name: str, field: str, reader: str):
    for number, op in ((1, "r"), (2, "c")):
        assert archived.row(table, reader, op, id=number).cell(field, "text") == f"{name} {number}"


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
@pytest.mark.parametrize("table", NAMES)
def test_no_name_of_a_column_hides_what_the_archive_adds(archived: Archived, table: str, reader: str):
    for row in archived.rows(table, reader):
        assert set(row) == {"id", *NAMES[table].values(), *OURS}
        assert row["__op"] in ("r", "c")
        assert isinstance(row["__offset"], int)
        assert isinstance(row["__partition"], int)
        assert isinstance(row["__lsn"], int)
        assert str(row["__deleted"]).lower() == "false"


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
def test_a_key_of_any_name_is_there(archived: Archived, reader: str):
    rows = archived.rows("names_of_keys", reader)
    found = sorted((row.op, *(row[field] for field in KEYS.values())) for row in rows)
    assert found == [("c", 4, 5, 6), ("d", 4, 5, 6), ("r", 1, 2, 3), ("u", 1, 2, 3), ("u", 4, 5, 6)]


def test_a_key_of_any_name_leads_to_the_current_row(archived: Archived):
    assert [[row[name] for name in (*KEYS.values(), "n")] for row in archived.current["names_of_keys"]] == [
        [1, 2, 3, 1]
    ]


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
def test_what_is_beside_is_named_as_its_column_is(archived: Archived, reader: str):
    for number, op in ((1, "r"), (2, "c")):
        row = archived.row("names_beside", reader, op, id=number)
        assert row.named("__text") == {"a_b", "__op_", "__text_"}
        assert [row[field] for field in ("a_b", "__op_", "__text_")] == [None] * 3


@pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
def test_what_is_not_sent_is_named_as_its_column_is(archived: Archived, reader: str):
    """With REPLICA IDENTITY FULL it is sent."""
    row = archived.row("names_beside", reader, "d", id=1)
    assert row.named("__unsent") | row.named("__text") == {"a_b", "__op_", "__text_"}
