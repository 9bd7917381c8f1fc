"""The command on a running pipeline: a change is followed by its subcommands alone."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from datetime import datetime
from pathlib import Path

import pytest
from cdc_pipeline.instance.archive import flush
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import read_plan

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif("CDC_ENDPOINTS" not in os.environ, reason="CDC_ENDPOINTS names no servers"),
]
SECONDS = 60


@pytest.fixture(scope="module")
def home() -> Path:
    return Path(os.environ["CDC_ENDPOINTS"]).parent


@pytest.fixture(scope="module")
def context(home: Path) -> Context:
    return Context(read_plan(home / "verify-plan.json"))


def test_a_change_is_seen_by_sql_and_tables(cdc, home: Path, context: Context) -> None:
    def ask(query: str) -> list[dict]:
        code, out, err = cdc("sql", query, "--json", "--home", home)
        assert code == 0, err
        return json.loads(out)

    before = ask("SELECT stock FROM products WHERE product_id = 7")[0]["stock"]
    began = time.time()
    with context.postgresql() as connection:
        connection.execute("UPDATE public.products SET stock = stock + 1 WHERE product_id = 7")
    deadline = time.monotonic() + SECONDS
    while True:
        flush(context)
        # An update that changes nothing else is one row more among the changes, and none among the rows.
        now = ask("SELECT stock FROM products WHERE product_id = 7")
        if now == [{"stock": before + 1}]:
            break
        assert now == [{"stock": before}] and time.monotonic() < deadline
        time.sleep(1)
    (changed,) = ask("SELECT __op, stock FROM products_changes WHERE product_id = 7 ORDER BY __offset DESC LIMIT 1")
    assert changed == {"__op": "u", "stock": before + 1}
    with context.postgresql() as connection:
        wanted = connection.execute("SELECT product_id, price FROM public.products ORDER BY product_id").fetchall()
    _code, out, _err = cdc("sql", "SELECT product_id, price FROM products ORDER BY 1", "--csv", "--home", home)
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["product_id", "price"] and rows[1:] == [[str(key), str(price)] for key, price in wanted]

    code, out, err = cdc("tables", "--json", "--home", home)
    assert code == 0, err
    (table,) = [each for each in json.loads(out)["tables"] if each["table"] == "public.products"]
    assert (table["captured"], table["lag_records"], table["lag_exact"], table["lag_seconds"]) == (True, 0, True, 0.0)
    assert table["rows_archived"] == ask("SELECT count(*) AS n FROM products_changes")[0]["n"] > len(wanted)
    assert datetime.fromisoformat(table["last_change"]).timestamp() >= began - 1
    assert table["complete_unknown"] is None
    assert datetime.fromisoformat(table["complete_to"]).timestamp() >= began - 1
    code, _out, err = cdc("sql", "SELECT count(*) FROM products", "--json", "--home", home)
    said = json.loads(err)["complete"]["public.products"]
    assert code == 0 and said["unknown"] is None and said["complete_to"] >= table["complete_to"]


def test_what_is_not_archived_yet_is_lag(cdc, home: Path, context: Context) -> None:
    """Rows written within a second are there before their object is, unless its time is over just then."""

    def lag() -> dict:
        tables = json.loads(cdc("tables", "--json", "--home", home)[1])["tables"]
        return next(each for each in tables if each["table"] == "public.products")

    deadline = time.monotonic() + SECONDS
    while True:
        with context.postgresql() as connection:
            connection.execute("UPDATE public.products SET stock = stock WHERE product_id <= 5")
        time.sleep(1)
        found = lag()
        if found["lag_records"]:
            break
        assert time.monotonic() < deadline
    assert found["lag_records"] % 5 == 0 and found["lag_exact"] and 0 < found["lag_seconds"] < SECONDS
    flush(context).raise_for_status()
    assert lag()["lag_records"] == 0


def test_everything_is_up_and_logs(cdc, home: Path) -> None:
    code, out, _err = cdc("status", "--json", "--home", home)
    rows = {each["name"]: each for each in json.loads(out)["processes"]}
    assert code == 0 and rows["kafka-0"]["ready"] and rows["kafka-0"]["memory_bytes"] > 100 * 2**20
    code, out, _err = cdc("logs", "kafka-0", "-n", "3", "--home", home)
    assert code == 0 and len(out.splitlines()) == 4
