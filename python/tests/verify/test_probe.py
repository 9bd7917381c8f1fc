"""The probe's values come back equal only when they are, and each difference is seen."""

from __future__ import annotations

import random
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
import yaml
from cdc_pipeline.archive.tile import Source, hour_of, key
from cdc_pipeline.verify import probe_forms, probe_table
from cdc_pipeline.verify.avro_events import Event
from cdc_pipeline.verify.checks.end_to_end import (
    holding,
    hour_folders,
    judge_events,
    judge_hours,
    judge_rows,
    judge_values,
)
from cdc_pipeline.verify.probe_run import Change, Probe

from .test_plans_of_roles import ROOT

TIME = int(datetime(2026, 5, 6, 7, 8, tzinfo=UTC).timestamp() * 1000)
ARCHIVED = {
    "c_smallint": 1,
    "c_integer": 2,
    "c_bigint": 3,
    "c_real": 1.5,
    "c_double": float("nan"),
    "c_numeric": Decimal("1.500000"),
    "c_numeric_38": Decimal("1E-10"),
    "c_numeric_60": "1.5",
    "c_numeric_any": "1e3",
    "c_text": "text",
    "c_varchar": "",
    "c_char": "a       ",
    "c_boolean": False,
    "c_bytea": b"\0",
    "c_date": date(2026, 1, 1),
    "c_time": time(1, 2, 3),
    "c_timetz": "23:00:00Z",
    "c_timestamp": datetime(2026, 1, 1),
    "c_timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
    "c_interval": "P1Y2M3DT4H5M6.789S",
    "c_uuid": "00000000-0000-0000-0000-000000000000",
    "c_json": '{"b": 1.0, "a": null}',
    "c_jsonb": "null",
    "c_inet": "10.0.0.1",
    "c_cidr": "10.0.0.0/8",
    "c_macaddr": "00:00:00:00:00:00",
    "c_integers": [1, None],
    "c_texts": [],
    "c_state": "new",
    "c_date_any": -141_432,
    "c_timestamp_any": -62_135_596_800_000_001,
    "c_timestamp_3": 1000,
    "c_timestamptz_any": 2**63 - 1,
    "c_time_any": time(1, 2, 3, 500_000),
    "c_timetz_any": "12:00:00+02:30:15",
    "c_numeric_nan": Decimal("1.50"),
    "c_numeric_exact": "1.500",
    "c_bit": b"\x03",
    "c_varbit": "0101",
    "c_money": "0.01",
    "c_xml": "<a/>",
    "c_name": "Größe",
    "c_oid": 4_294_967_295,
    "c_macaddr8": "00:00:00:00:00:00:00:00",
    "c_pg_lsn": "0/0",
    "c_tsvector": "'a':1A",
    "c_point": {"x": 0.1, "y": -0.0},
    "c_polygon": {"wkb": struct.pack("<BIII4d", 1, 3, 1, 2, 0, 1.5, 0, 1.5)},
    "c_int4range": "[1,5)",
    "c_tstzrange": "(,infinity)",
    "c_dimensions": [1, None],
    "c_booleans": [True, None, False],
    "c_doubles": [float("nan"), float("-inf"), -0.0, 0.1, 1.0],
    "c_numerics": [Decimal("1.50"), None],
    "c_byteas": [b"\x00\xff", None],
    "c_timestamptzs": [datetime(2024, 1, 1, 0, 0, 0, 500_000, UTC), None],
    "c_intervals": '{"1 day",NULL}',
    "c_states": ["new", "in transit", "NULL"],
}
KEPT = {
    **ARCHIVED,
    "c_double": "NaN",
    "c_numeric_60": Decimal("1.50"),
    "c_numeric_any": Decimal(1000),
    "c_timetz": 23 * 3600 * 1_000_000,
    "c_interval": [14, 3, 14_706_789_000],
    "c_json": ({"a": None, "b": Decimal(1)},),
    "c_jsonb": (None,),
    "c_date_any": "1582-10-10",
    "c_timestamp_any": "0001-12-31 23:59:59.999999 BC",
    "c_timestamp_3": "1970-01-01 00:00:00.001",
    "c_timestamptz_any": "294247-01-10 04:00:54.775807+00",
    "c_time_any": "01:02:03.5",
    "c_numeric_nan": "1.50",
    "c_bit": "0000011",
    "c_oid": "4294967295",
    "c_money": Decimal("0.01"),
    "c_point": "(0.1,-0)",
    "c_polygon": "((0,1.5))",
    "c_dimensions": "{1,NULL}",
    "c_booleans": "{t,NULL,f}",
    "c_doubles": "{NaN,-Infinity,-0,0.1,1}",
    "c_numerics": "{1.50,NULL}",
    "c_byteas": '{"\\\\x00ff",NULL}',
    "c_timestamptzs": '{"2024-01-01 00:00:00.5+00",NULL}',
    "c_intervals": '{"1 day",NULL}',
    "c_states": '{new,"in transit","NULL"}',
}


def event(offset: int, operation: str, id: int, **more: object) -> Event:
    value = {"run": "r", "id": id, "__op": operation, "__lsn": offset, "__txId": 1, **more}
    value.setdefault("__deleted", "true" if operation == "d" else "false")
    return Event("t", 0, offset, TIME, value)


def row(offset: int, operation: str, id: int, **more: object) -> dict:
    own = {"run": "r", "id": id, "__op": operation, "__deleted": "true" if operation == "d" else "false"}
    return {**ARCHIVED, **own, "__lsn": offset, "__txId": 1, "__partition": 0, "__offset": offset, **more}


CHANGES = (Change("c", 1, KEPT), Change("u", 1, KEPT), Change("d", 1))
EVENTS = (event(5, "c", 1), event(6, "u", 1), event(7, "d", 1))
ROWS = [row(5, "c", 1), row(6, "u", 1), row(7, "d", 1)]


def probe(events=EVENTS, changes=CHANGES) -> Probe:
    return Probe("r", "t", tuple(changes), tuple(events), {("t", 0): 5}, 0, (0.1,))


def failed(findings) -> set[str]:
    return {finding.id for finding in findings if not finding.ok}


def test_a_faithful_pipeline_passes() -> None:
    assert failed(judge_events(probe(), 5)) == set()
    assert failed(judge_rows(probe(), ROWS)) == set()
    assert failed(judge_values(probe(), ROWS)) == set()


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        (EVENTS[:2], {"end_to_end.kafka.delete", "end_to_end.kafka.exactly_once"}),
        ((*EVENTS, event(8, "d", 1)), {"end_to_end.kafka.exactly_once"}),
        ((event(5, "u", 1), event(6, "c", 1), EVENTS[2]), {"end_to_end.kafka.insert", "end_to_end.kafka.update"}),
        ((event(5, "c", 1, __lsn=None), *EVENTS[1:]), {"end_to_end.kafka.insert"}),
        ((*EVENTS[:2], event(7, "d", 1, __deleted="false")), {"end_to_end.kafka.delete"}),
        ((*EVENTS, event(9, "c", 2000)), {"end_to_end.kafka.exactly_once", "end_to_end.kafka.rollback"}),
    ],
)
def test_kafka_is_held_to_every_change(events, wrong: set[str]) -> None:
    assert failed(judge_events(probe(events), 5)) == wrong


def test_a_slow_pipeline_and_a_dirty_table_are_seen() -> None:
    late = Probe("r", "t", CHANGES, EVENTS, {}, 3, (7.0, 6.0))
    assert failed(judge_events(late, 5)) == {"end_to_end.kafka.latency", "end_to_end.kafka.cleaned"}
    warm = Probe("r", "t", CHANGES, EVENTS, {}, 0, (7.0, 0.5))
    (finding,) = [each for each in judge_events(warm, 5) if each.id == "end_to_end.kafka.latency"]
    assert finding.ok and finding.found == "0.50, before that 7.0"


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (ROWS[:2], {"end_to_end.parquet.none_lost", "end_to_end.parquet.delete"}),
        ([*ROWS, ROWS[0]], {"end_to_end.parquet.once"}),
        ([*ROWS, row(9, "c", 9)], {"end_to_end.parquet.none_invented"}),
        ([row(5, "c", 2), *ROWS[1:]], {"end_to_end.parquet.insert"}),
        ([row(5, "c", 1, __lsn=99), *ROWS[1:]], {"end_to_end.parquet.insert"}),
    ],
)
def test_parquet_is_held_to_every_event(rows, wrong: set[str]) -> None:
    assert failed(judge_rows(probe(), rows)) == wrong


@pytest.mark.parametrize("column", probe_table.NAMES)
def test_a_wrong_value_of_any_type_is_seen(column: str) -> None:
    other = {str: "other", int: 77, float: 0.25, bytes: b"x", bool: True, list: [9], Decimal: Decimal(9), dict: {}}
    wrong = other.get(type(ARCHIVED[column]), datetime(1999, 1, 1))
    id = f"end_to_end.type.{column.removeprefix('c_')}"
    assert failed(judge_values(probe(), [{**ROWS[0], column: wrong}, *ROWS[1:]])) == {id}
    assert failed(judge_values(probe(), [{**ROWS[0], column: None}, *ROWS[1:]])) == {id}
    absent = {name: value for name, value in ROWS[0].items() if name != column}
    assert failed(judge_values(probe(), [absent, *ROWS[1:]])) == {id}


def test_the_role_knows_how_many_columns_the_table_has() -> None:
    variables = yaml.safe_load((ROOT / "roles/postgresql/vars/main.yml").read_text())
    definition = probe_table.ddl("public.probe").partition("CREATE TABLE")[2].partition("PRIMARY KEY")[0]
    assert variables["__postgresql_probe_columns"] == len(definition.strip().splitlines()) - 1


def test_what_a_column_cannot_hold_is_beside_it() -> None:
    infinite = Change("c", 1, {**KEPT, "c_date_any": "infinity"})
    for said, wrong in (
        ("infinity", set()),
        ("-infinity", {"end_to_end.type.date_any"}),
        (None, {"end_to_end.type.date_any"}),
    ):
        text = {"c_date_any": said} if said else None
        rows = [{**ROWS[0], "c_date_any": None, "__text": text}]
        assert failed(judge_values(probe(changes=(infinite,)), rows)) == wrong


def test_json_null_is_not_sql_null() -> None:
    assert probe_forms.document("null") == (None,)
    assert failed(judge_values(probe(), [{**ROWS[0], "c_jsonb": None}, *ROWS[1:]])) == {"end_to_end.type.jsonb"}


def test_no_event_at_all_is_not_ok() -> None:
    silent = probe(events=())
    assert failed(judge_events(silent, 5)) == {
        "end_to_end.kafka.insert",
        "end_to_end.kafka.update",
        "end_to_end.kafka.delete",
        "end_to_end.kafka.exactly_once",
    }
    assert failed(judge_rows(silent, [])) == {
        "end_to_end.parquet.insert",
        "end_to_end.parquet.update",
        "end_to_end.parquet.delete",
    }


def test_nothing_archived_is_not_ok() -> None:
    assert len(failed(judge_values(probe(), []))) == len(probe_table.COLUMNS)


def test_every_run_writes_nulls_and_every_extreme() -> None:
    rows = probe_table.rows(random.Random(1), 14)
    assert len(rows) == 14
    assert set(rows[0]) == {None}
    for at, column in enumerate(probe_table.COLUMNS):
        assert set(column.extremes) <= {each[at] for each in rows}


def test_other_texts_than_intervals_are_refused() -> None:
    assert probe_forms.interval("P0Y-1M2DT0H0M-0.000001S") == [-1, 2, -1]
    with pytest.raises(ValueError, match="not an interval"):
        probe_forms.interval("1 day")


def test_only_tiles_that_can_hold_the_events_are_read() -> None:
    source = Source("t", "id_-", 0)
    keys = [key("p", source, start, hour_of(TIME)) for start in (0, 4, 6, 8)]
    others = [key("p", Source("t", "other", 0), 5, 1), key("p", Source("t", "id_-", 1), 5, 1), "p/t/readme"]
    assert holding([*keys, *others], EVENTS, "id_-") == keys[1:3]
    assert hour_folders("p", "t", EVENTS) == ["p/t/year=2026/month=05/day=06/hour=07"]


def test_a_tile_in_the_wrong_hour_is_seen() -> None:
    source = Source("t", "id", 0)
    right, wrong = (key("p", source, 5, hour_of(TIME) + more) for more in (0, 1))
    assert judge_hours({right: ROWS}, EVENTS).ok
    assert judge_hours({wrong: ROWS}, EVENTS).found == [wrong]
