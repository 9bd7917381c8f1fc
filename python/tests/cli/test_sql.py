"""The archive in SQL: real tiles, read by DuckDB."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import duckdb
import obstore
import polars as pl
import pytest
from cdc_pipeline.cli import archive_files
from cdc_pipeline.cli.archive import Archive
from cdc_pipeline.cli.archive_files import ArchiveFiles, pattern
from cdc_pipeline.cli.complete import Complete
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.sql import say_complete
from cdc_pipeline.cli.sql_output import table_writer, write_csv, write_json
from cdc_pipeline.cli.sql_session import session, with_zeros
from cdc_pipeline.cli.views import OWN, mentioned, names_of
from cdc_pipeline.instance.objects import list_objects
from cdc_pipeline.instance.plan import parse_plan
from shop import Registry, Shop, plan_document

USERS, ORDERS = "postgres.public.users", "postgres.sales.orders"


def fill(shop: Shop) -> None:
    """Users in two tiles, the second with a column more; orders with a key of two columns."""
    shop.put(
        USERS,
        [
            {"id": 1, "name": "captured", "__op": "c", "__deleted": "false", "__lsn": 7, "__ts_us": 100},
            # A snapshot that came later has no LSN.
            {"id": 1, "name": "missed", "__op": "r", "__deleted": "false", "__ts_us": 200},
            {"id": 2, "name": "first", "__op": "r", "__deleted": "false", "__ts_us": 100},
            {"id": 3, "name": "gone", "__op": "c", "__deleted": "false", "__lsn": 7, "__ts_us": 100},
        ],
    )
    shop.put(
        USERS,
        [
            {"id": 2, "name": "newer", "price": Decimal("9.90"), "__op": "u", "__deleted": "false", "__ts_us": 300},
            # In the same microsecond, the place in the log decides.
            {"id": 2, "name": "newest", "price": Decimal("9.90"), "__op": "u", "__deleted": "false", "__ts_us": 300},
            {"id": 3, "name": None, "price": None, "__op": "d", "__deleted": "true", "__ts_us": 200},
        ],
        start=4,
        price=pl.Decimal(38, 2),
    )
    shop.put(
        ORDERS,
        [
            {"shop": shop_id, "Order No": 1, "year": 1999, "__op": "c", "__deleted": "false", "__ts_us": 1}
            for shop_id in (1, 2)
        ],
    )


def ask(shop: Shop, query: str, write=write_json) -> str:
    out = io.StringIO()
    with session(Archive(shop)) as opened:
        for result in opened.run(query):
            write(result, out)
    return out.getvalue()


def rows(shop: Shop, query: str) -> list[dict]:
    return json.loads(ask(shop, query))


def test_current_rows_are_the_last_changes_without_deletes(shop: Shop) -> None:
    fill(shop)
    found = rows(shop, "SELECT * FROM users ORDER BY id")
    own = dict.fromkeys(("__text", "__unsent", "__cut"))
    assert found == [
        {"id": 1, "name": "missed", "price": None, **own},
        {"id": 2, "name": "newest", "price": 9.9, **own},
    ]
    assert rows(shop, "SELECT count(*) AS n FROM public.users") == [{"n": 2}]


def test_changes_are_all_rows_with_what_the_archive_adds(shop: Shop) -> None:
    fill(shop)
    found = rows(shop, "SELECT name, __op, __offset FROM users_changes ORDER BY __offset DESC LIMIT 2")
    assert found == [{"name": None, "__op": "d", "__offset": 6}, {"name": "newest", "__op": "u", "__offset": 5}]
    assert rows(shop, "SELECT count(*) AS n FROM users_changes") == [{"n": 7}]


def test_another_schema_a_key_of_two_columns_and_a_column_called_year(shop: Shop) -> None:
    fill(shop)
    found = rows(shop, 'SELECT shop, "Order No", year FROM sales.orders ORDER BY shop')
    assert found == [{"shop": 1, "Order No": 1, "year": 1999}, {"shop": 2, "Order No": 1, "year": 1999}]
    with pytest.raises(CdcError, match="orders does not exist"):
        ask(shop, "SELECT * FROM orders")


def test_names_that_take_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the plan a topic is its table; of a table that is no longer captured the topic is all that is left."""
    shop = Shop(tmp_path / "odd", "http://127.0.0.1:1")
    tables = ["public.users", 'public."Order Items"', '"my schema"."a.b"']
    document = plan_document(expected={"connectors": {"tables": tables}})
    shop.plan = parse_plan(document)
    for topic in ("postgres.public.Order_Items", "postgres.my_schema.a.b", "postgres.public.Gone_One"):
        shop.put(topic, [{"text": "x", "__op": "c", "__deleted": "false", "__ts_us": 1}])
    topics = Archive(shop).topics
    assert topics['public."Order Items"'] == "postgres.public.Order_Items"
    assert topics['"my schema"."a.b"'] == "postgres.my_schema.a.b"
    assert topics['public."Gone_One"'] == "postgres.public.Gone_One"
    monkeypatch.setattr(Archive, "keys", lambda _archive, _table: [])
    for view in ('"Order Items_changes"', '"my schema"."a.b_changes"', '"Gone_One_changes"'):
        assert rows(shop, f"SELECT text FROM {view}") == [{"text": "x"}]


def test_a_table_without_a_key_has_changes_alone(shop: Shop) -> None:
    shop.put("postgres.public.log", [{"text": "x", "__op": "c", "__deleted": "false", "__ts_us": 1}])
    assert rows(shop, "SELECT text FROM log_changes") == [{"text": "x"}]
    with pytest.raises(CdcError, match="log does not exist"):
        ask(shop, "SELECT * FROM log")


def test_only_what_a_statement_mentions_is_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(shop)
    read = []
    fetch = Archive.fetch
    monkeypatch.setattr(Archive, "fetch", lambda self, key, *at: read.append(key) or fetch(self, key, *at))
    ask(shop, "SELECT count(*) FROM users_changes")
    assert read and all(USERS in key for key in read)
    assert [each["name"] for each in rows(shop, "SHOW TABLES")] == ["users", "users_changes"]
    listed = rows(shop, "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables ORDER BY ALL")
    assert [each["name"] for each in listed] == [
        "public.users",
        "public.users_changes",
        "sales.orders",
        "sales.orders_changes",
    ]


def test_a_table_that_duckdb_cannot_show_harms_no_other(shop: Shop) -> None:
    fill(shop)
    shop.put(ORDERS, [{"shop": 1, "SHOP": 2, "__op": "c"}], start=2)
    assert [each["name"] for each in rows(shop, "SHOW TABLES")] == ["users", "users_changes"]
    with pytest.raises(CdcError, match=r"sales\.orders cannot be shown.* columns SHOP and shop differ by case only"):
        ask(shop, "SELECT * FROM sales.orders_changes")


def test_what_is_not_there_yet_is_said(shop: Shop) -> None:
    with pytest.raises(CdcError, match=r"public\.empty has nothing in the archive yet"):
        ask(shop, "SELECT * FROM empty")
    fill(shop)
    with pytest.raises(CdcError, match='Referenced column "nam" not found'):
        ask(shop, "SELECT nam FROM users")


def test_a_view_follows_what_is_archived_later(shop: Shop) -> None:
    """A column that the first objects never lack may be unsent in later ones, and be there in none of the first."""
    fill(shop)
    later = {"id": 2, "name": None, "__op": "u", "__deleted": "false", "__lsn": 9, "__commit_order": 8}
    kinds = {"__commit_order": pl.Int64(), "__unsent": pl.List(pl.String()), "more": pl.Int64()}
    query = "SELECT * FROM users WHERE id = 2"
    with session(Archive(shop)) as opened:
        (first,) = [json.loads(text) for result in opened.run(query) for text in result.documents()]
        shop.put(USERS, [{**later, "__unsent": ["name"], "more": 5}], start=7, **kinds)
        (second,) = [json.loads(text) for result in opened.run(query) for text in result.documents()]
    assert (first["name"], "more" in first) == ("newest", False)
    assert (second["name"], second["more"], second["__unsent"]) == ("newest", 5, None)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW v AS SELECT * FROM users",
        "CREATE VIEW w AS SELECT * FROM users; CREATE TEMP VIEW v AS SELECT * FROM w",
        "CREATE MACRO m() AS TABLE SELECT * FROM users; CREATE VIEW v AS SELECT * FROM m()",
        "CREATE MACRO n() AS (SELECT count(*) FROM users); CREATE VIEW v AS SELECT 1 WHERE n() > 0",
    ],
)
def test_what_a_user_makes_of_a_view_follows_it(shop: Shop, made: str) -> None:
    """A TRUNCATE has to be known before the rows are read."""
    fill(shop)
    asked: list[list[str]] = []
    truncate = {"id": None, "name": None, "__op": "t", "__deleted": "true", "__lsn": 9, "__commit_order": 8}
    with session(Archive(shop), lambda tables: asked.append(tables) or {}) as opened:
        list(opened.run(made))
        (before,) = [len(list(result.rows())) for result in opened.run("SELECT * FROM v")]
        shop.put(USERS, [truncate], start=7, __commit_order=pl.Int64())
        (after,) = [len(list(result.rows())) for result in opened.run("SELECT * FROM v")]
        assert (before > 0, after) == (True, 0)
        assert asked[-1] == ["public.users"]


def test_what_is_read_in_some_other_way_is_as_when_its_view_was_made(shop: Shop) -> None:
    fill(shop)
    later = {"id": 2, "name": None, "__op": "u", "__deleted": "false", "__lsn": 9, "__ts_us": 400, "__commit_order": 8}
    kinds = {"__commit_order": pl.Int64(), "__unsent": pl.List(pl.String())}
    with session(Archive(shop)) as opened:
        list(opened.run("SELECT * FROM users"))
        shop.put(USERS, [{**later, "__unsent": ["name"]}], start=7, **kinds)
        (found,) = opened.run("SELECT name FROM query('FROM us' || 'ers') WHERE id = 2")
        assert list(found.rows()) == [("newest",)]


def test_all_parts_of_a_statement_read_the_same_objects(shop: Shop) -> None:
    fill(shop)
    files = ArchiveFiles(Archive(shop).objects, Archive(shop).fetch)
    listed = files.glob(pattern(f"archive/{USERS}"))
    shop.put(USERS, [{"id": 9, "name": "later"}], start=7)
    assert files.glob(pattern(f"archive/{USERS}")) == listed
    files.forget(pattern(f"archive/{USERS}"))
    assert len(files.glob(pattern(f"archive/{USERS}"))) == len(listed) + 1


def test_the_text_of_a_key_is_no_column_of_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Registry.keys, "postgres.public.users", ["id", "__text"])
    assert Archive(shop).keys("public.users") == ["id"]


def test_up_to_when_tables_are_complete_is_asked_before_the_objects_are_listed(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(shop)
    asked: list[list[str]] = []

    def ask_servers(tables: list[str]) -> dict[str, Complete]:
        asked.append(tables)
        if len(asked) == 1:
            shop.put(USERS, [{"id": 9, "name": "archived meanwhile", "__ts_us": 1}], start=7)
        return {"public.users": Complete(1767323045.678), "sales.orders": Complete(None, "it is down")}

    with session(Archive(shop), ask_servers) as opened:
        (result,) = opened.run("SELECT name FROM users JOIN sales.orders ON id = 9 AND shop = 1")
        assert list(result.rows()) == [("archived meanwhile",)]
        list(opened.run("SELECT 1; SHOW TABLES"))
        say_complete(result, as_json=False)
        say_complete(result, as_json=True)
    assert asked == [["public.users", "sales.orders"]]
    plain, unknown, document = capsys.readouterr().err.splitlines()
    assert plain == "public.users is complete up to 2026-01-02 03:04:05.678 UTC."
    assert unknown == "It is unknown up to which commit sales.orders is complete: it is down."
    assert json.loads(document)["complete"] == {
        "public.users": {"complete_to": "2026-01-02T03:04:05.678+00:00", "unknown": None},
        "sales.orders": {"complete_to": None, "unknown": "it is down"},
    }


def test_a_registry_that_is_away_is_named(shop: Shop) -> None:
    fill(shop)
    registry = shop.plan.endpoints.schema_registry
    object.__setattr__(registry, "url", "http://127.0.0.1:9")
    with pytest.raises(CdcError, match=r"registry at http://127.0.0.1:9 does not say what the key of public\.users is"):
        ask(shop, "SELECT * FROM users")
    assert rows(shop, "SELECT count(*) AS n FROM users_changes") == [{"n": 7}], "as the message says"


def test_output_for_people_and_programs(shop: Shop) -> None:
    fill(shop)
    query = "SELECT id, price, name FROM users ORDER BY id; SELECT 1 AS one WHERE false; SET threads = 2"
    assert ask(shop, query, write_csv) == "id,price,name\n1,,missed\n2,9.90,newest\none\n"
    assert json.loads(ask(shop, "SELECT 12345678901234567890.12::DECIMAL(38,2) AS d"), parse_float=str) == [
        {"d": "12345678901234567890.12"}
    ]
    assert ask(shop, "SELECT 1 AS a, NULL AS b WHERE false", write_json) == "[\n]\n"
    table = ask(shop, query, table_writer(None)).splitlines()
    assert table[:5] == [
        "id  price  name",
        "──  ─────  ──────",
        " 1   NULL  missed",
        " 2   9.90  newest",
        "(2 rows)",
    ]
    assert table[-1] == "(0 rows)"
    narrow = ask(shop, query.partition(";")[0], table_writer(12)).splitlines()
    assert narrow[:4] == ["── row 1 ──", "id     1", "price  NULL", "name   missed"]


def test_values_of_every_kind_and_statements_that_are_no_queries(shop: Shop) -> None:
    found = rows(shop, "SELECT TIMESTAMPTZ '2026-01-02 03:04:05+01' AS t, 'infinity'::TIMESTAMP AS i, [1, 2] AS l")
    assert found == [{"t": "2026-01-02 02:04:05+00", "i": "infinity", "l": [1, 2]}]
    plan = ask(shop, "EXPLAIN SELECT 1", table_writer(None))
    assert "Projection" in plan and "\\n" not in plan
    many = ask(shop, "SELECT range FROM range(3000)", table_writer(None))
    assert many.endswith("(the first 1000 rows; --csv and --json write all)\n")
    assert len(rows(shop, "SELECT range FROM range(3000); -- all of them")) == 3000
    assert rows(shop, "SELECT ';' AS ü, 'ü; -- no comment' AS t -- one;\n; /* ; */") == [
        {"ü": ";", "t": "ü; -- no comment"}
    ]


def test_wide_decimals_are_json() -> None:
    values = {"a": Decimal("-0." + "0" * 24 + "1"), "b": [Decimal("0." + "5" * 38)], "c": '":-.5,[.5'}
    with duckdb.connect() as connection:
        query = "SELECT ?::DECIMAL(25, 25) AS a, [?::DECIMAL(38, 38)] AS b, ? AS c"
        row = connection.execute(
            f"SELECT to_json(r)::VARCHAR FROM ({query}) AS r", [values["a"], *values["b"], values["c"]]
        )
        (document,) = row.fetchone()
    assert json.loads(with_zeros(document), parse_float=Decimal) == values


def test_a_column_named_as_the_statement_is_and_wide_decimals(shop: Shop) -> None:
    query = "SELECT 1 AS result, '-0.0000000000000000000000001'::DECIMAL(25, 25) AS a, ['0.5'::DECIMAL(38, 38)] AS b"
    (found,) = rows(shop, query + """, '":-.5,[.5' AS c""")
    assert found["result"] == 1 and found["c"] == '":-.5,[.5'
    assert (float(found["a"]), [float(each) for each in found["b"]]) == (-1e-25, [0.5])


def test_nothing_but_the_result_is_printed(shop: Shop) -> None:
    assert rows(shop, "SELECT current_setting('enable_progress_bar') AS bar") == [{"bar": False}]


def test_a_small_object_is_fetched_once_while_there_is_room(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column that is unsent is one more scan of all objects."""
    entries = [SimpleNamespace(key=f"a/{n}", size=75, modified=None) for n in range(3)]
    fetched: list[str] = []
    files = ArchiveFiles(lambda _below: iter(entries), lambda key, *_at: fetched.append(key) or key.encode() * 25)
    monkeypatch.setattr(archive_files, "_KEPT", 150, raising=False)
    names = files.glob(pattern("a"))
    for name in [*names[:2], *names[:2], names[0], names[2], names[0], names[1]]:
        with files.open(name) as file:
            assert file.read() == name.encode() * 25
    # The third takes the place of the second, which was read longer ago than the first.
    assert fetched == ["a/0", "a/1", "a/2", "a/1"]


def test_threads_that_share_an_object_read_where_each_has_sought(shop: Shop) -> None:
    content = bytes(range(256)) * 4096
    entry = SimpleNamespace(key="a/b", size=len(content), modified=None)
    files = ArchiveFiles(lambda _below: iter([entry]), lambda _key, begin, end: content[begin:end])
    (found,) = files.glob(pattern("a"))
    file = files.open(found)
    file.seek(10)
    other = threading.Thread(target=lambda: (file.seek(100_000), file.read(5)))
    other.start()
    other.join()
    assert file.read(5) == content[10:15]


def test_tables_of_the_sink_connector_are_read_where_iceberg_keeps_them(shop: Shop, tmp_path: Path) -> None:
    shop.plan = parse_plan(
        plan_document(
            shop.plan.endpoints.schema_registry.url,
            expected={"connectors": {"tables": ["public.users"]}, "archive": {"service": False}},
        )
    )
    body = io.BytesIO()
    pl.DataFrame({"id": [1], "__op": ["c"]}).write_parquet(body)
    obstore.put(shop.store, "iceberg/postgres/public/users/data/hour=1/00.parquet", body.getvalue())
    obstore.put(shop.store, "iceberg/postgres/public/users/metadata/v1.json", b"{}")
    fill(shop)
    assert rows(shop, "SELECT * FROM users_changes") == [{"id": 1, **dict.fromkeys(OWN), "__op": "c"}]


def test_names_that_would_be_one_to_duckdb() -> None:
    names = names_of(["public.users", "public.users_changes", "public.Users", "sales.users"])
    shown = {table: (each.schema, each.current, each.changes) for table, each in names.items()}
    assert shown == {
        "public.Users": ("public", "Users", "Users_changes_"),
        "public.users": ("public", "users_", "users__changes"),
        "public.users_changes": ("public", "users_changes", "users_changes_changes"),
        "sales.users": ("sales", "users", "users_changes"),
    }
    assert mentioned("users", "select * from USERS") and mentioned("users", 'from sales."users"')
    assert not mentioned("users", "select * from users_2, my_users, users_changes")


def test_a_large_object_is_not_read_whole(shop: Shop) -> None:
    frame = [
        {"id": n, "pad": hashlib.sha256(str(n).encode()).hexdigest(), "__ts_us": n, "__deleted": "false"}
        for n in range(20_000)
    ]
    name = shop.put(USERS, frame)
    archive = Archive(shop)
    (entry,) = list_objects(shop.store, f"archive/{USERS}")
    assert entry.size > 300_000
    fetched: list[int] = []

    def fetch(key: str, begin: int, end: int) -> bytes:
        fetched.append(end - begin)
        return archive.fetch(key, begin, end)

    files = ArchiveFiles(archive.objects, fetch)
    assert files.glob(pattern(f"archive/{USERS}")) == [name]
    import duckdb

    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        query = "SELECT count(*) FROM read_parquet(?)"
        assert connection.execute(query, [pattern(f"archive/{USERS}")]).fetchall() == [(20_000,)]
    assert sum(fetched) < entry.size / 2
    with files.open(f"archive://{name}") as stream:
        assert stream.read(4) == b"PAR1" and stream.seek(-4, 2) == entry.size - 4 and stream.read() == b"PAR1"
    with pytest.raises(FileNotFoundError):
        files.open("archive://archive/none.parquet")
    with pytest.raises(OSError, match="only read"):
        files.open(f"archive://{name}", "wb")
