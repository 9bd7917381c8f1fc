"""Disks of brokers: what is archived goes first, what is not stays, and the connector waits before a broker is full."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from cdc_pipeline.archive import tile
from cdc_pipeline.connectors.workers import WorkersError
from cdc_pipeline.disk import decide as deciding
from cdc_pipeline.disk.decide import At, Broker, Partition, aged, broker, decide
from cdc_pipeline.disk.keeper import AGAIN_SECONDS, AGE_SECONDS, TRIM_SECONDS, Keeper, Reader, Settings, _archived
from cdc_pipeline.disk.log_dirs import parse
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

AT: At = ("postgres.public.orders", 0)
KEEP_SECONDS = 7 * 86_400.0
READERS = (Reader("cdc-archive", (AT[0],)),)
SETTINGS = Settings("k:9092", READERS, "__debezium-heartbeat.postgres", 1000, KEEP_SECONDS, "postgres-cdc")
OFFSETS = st.integers(0, 10_000)


@given(OFFSETS, OFFSETS, st.none() | OFFSETS, st.floats(0, 2), st.floats(0, 2), st.booleans(), OFFSETS)
def test_what_is_not_archived_is_never_deleted(
    low: int, more: int, archived: int | None, used: float, left: float, waits: bool, young: int
) -> None:
    partition = Partition(low, low + more, archived)
    trim = decide([Broker(used, left)], {AT: partition}, waits).trim
    old = aged({AT: partition}, {AT: young})
    assert all(to <= young for to in old.values())
    for at, to in [*trim.items(), *old.items()]:
        assert at == AT and archived is not None
        assert low < to <= archived and to <= partition.high


def test_the_older_half_goes_first_and_then_the_older_half_of_the_rest() -> None:
    seen, low = [], 0
    while trim := decide([Broker(0.7, 0.0)], {AT: Partition(low, 100, 80)}, False).trim:
        low = trim[AT]
        seen.append(low)
    assert seen[:3] == [40, 60, 70] and seen[-1] == 80


def test_near_the_limit_all_that_is_archived_goes_at_once() -> None:
    decision = decide([Broker(0.2, 0.0), Broker(0.75, 0.0)], {AT: Partition(0, 100, 80)}, False)
    assert decision.urgent and decision.trim == {AT: 80}
    assert decide([Broker(0.59, 0.59)], {AT: Partition(0, 100, 80)}, False).trim == {}


@pytest.mark.parametrize(
    ("used", "left", "waits", "expected"),
    [
        (0.79, 0.79, False, False),
        (0.80, 0.20, False, True),
        # Little is left to archive: to wait would help nobody.
        (0.95, 0.19, False, False),
        (0.71, 0.71, True, True),
        (0.69, 0.69, True, False),
        (0.95, 0.09, True, False),
    ],
)
def test_the_connector_waits_for_the_archive_alone(used: float, left: float, waits: bool, expected: bool) -> None:
    assert decide([Broker(0.1, 0.1), Broker(used, left)], {}, waits).wait is expected


def test_what_nobody_knows_to_be_archived_counts_as_not_archived() -> None:
    held = {AT: 500, ("__consumer_offsets", 3): 100}
    assert broker(held, {AT: Partition(0, 100, None)}, 1000) == Broker(0.6, 0.5)
    assert broker(held, {AT: Partition(20, 100, 60)}, 1000) == Broker(0.6, 0.25)
    assert broker(held, {AT: Partition(20, 100, 100)}, 1000) == Broker(0.6, 0.0)
    # What is archived is beyond the end, as after a log that was truncated.
    assert broker(held, {AT: Partition(20, 100, 170)}, 1000) == Broker(0.6, 0.0)
    assert broker(held, {AT: Partition(0, 0, None)}, 1000) == Broker(0.6, 0.0)


class FakeCluster:
    """One broker with one partition, whose records have a byte each, and came one a second from second 0 on."""

    def __init__(self) -> None:
        self.low = self.high = self.archived = 0
        self.marks: list[bool] = []
        self.away = False

    def partitions(self) -> dict[At, Partition]:
        if self.away:
            raise OSError("nobody answers")
        return {AT: Partition(self.low, self.high, self.archived)}

    def brokers(self) -> dict[str, dict[At, int]]:
        return {"b:9092": {AT: self.high - self.low}}

    def young(self, partitions: Iterable[At], milliseconds: int) -> dict[At, int]:
        assert list(partitions) == [AT]
        return {AT: min(max(milliseconds // 1000, self.low), self.high)}

    def delete(self, to: dict[At, int]) -> None:
        assert to[AT] <= self.archived
        self.low = max(self.low, to[AT])

    def mark(self, waits: bool) -> None:
        self.marks.append(waits)

    def marked(self) -> bool:
        return bool(self.marks and self.marks[-1])


class FakeConnector:
    def __init__(self) -> None:
        self.runs, self.away, self.asked = True, False, 0

    def pause(self, name: str) -> None:
        self._set(name, False)

    def resume(self, name: str) -> None:
        self._set(name, True)

    def _set(self, name: str, runs: bool) -> None:
        assert name == "postgres-cdc"
        if self.away:
            raise WorkersError("no worker")
        self.runs, self.asked = runs, self.asked + 1


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def keeper_of(cluster: FakeCluster, connector: FakeConnector, clock: Clock) -> Keeper:
    return Keeper(SETTINGS, cluster, connector, CollectorRegistry(), clock, clock)


@pytest.mark.parametrize("archived_a_look", [0, 5, 20, 60, 150])
def test_a_large_snapshot_slows_instead_of_filling_a_disk(archived_a_look: int) -> None:
    cluster, connector, clock = FakeCluster(), FakeConnector(), Clock()
    keeper = keeper_of(cluster, connector, clock)
    written, fullest = 0, 0
    for _ in range(2000):
        if connector.runs and written < 10_000:
            written += 40
            cluster.high += 40
        cluster.archived = min(cluster.high, cluster.archived + archived_a_look)
        keeper.look()
        clock.now += 5
        fullest = max(fullest, cluster.high - cluster.low)
    assert fullest < SETTINGS.limit
    if archived_a_look:
        assert written == 10_000 and cluster.archived == 10_000 and connector.runs
    else:
        assert not connector.runs and cluster.low == 0


def test_a_second_deletion_waits_for_the_first_one_s_effect() -> None:
    cluster, clock = FakeCluster(), Clock()
    cluster.high = cluster.archived = 700
    keeper = keeper_of(cluster, FakeConnector(), clock)
    keeper.look()
    assert cluster.low == 350
    cluster.high = cluster.archived = 1000
    keeper.look()
    assert cluster.low == 350
    clock.now += TRIM_SECONDS
    keeper.look()
    assert cluster.low == 675


def test_what_is_archived_goes_when_it_is_old_and_what_is_not_stays() -> None:
    cluster, clock = FakeCluster(), Clock()
    cluster.high, cluster.archived = 500, 200
    keeper = keeper_of(cluster, FakeConnector(), clock)
    clock.now = KEEP_SECONDS + 100
    keeper.look()
    assert cluster.low == 100
    # The archive stands still, for however long.
    clock.now = 10 * KEEP_SECONDS
    keeper.look()
    assert cluster.low == 200
    cluster.archived = 400
    keeper.look()
    assert cluster.low == 200
    clock.now += AGE_SECONDS
    keeper.look()
    assert cluster.low == 400


def test_a_connector_that_somebody_else_paused_is_not_resumed() -> None:
    cluster, connector = FakeCluster(), FakeConnector()
    connector.runs = False
    keeper_of(cluster, connector, Clock()).look()
    assert not connector.runs and connector.asked == 0 and cluster.marks == []


def test_it_goes_on_after_a_restart_while_the_connector_waits() -> None:
    cluster, connector, clock = FakeCluster(), FakeConnector(), Clock()
    cluster.high = 900
    keeper_of(cluster, connector, clock).look()
    assert not connector.runs and cluster.marks == [True]
    # Another process, which was told nothing.
    second = keeper_of(cluster, connector, clock)
    second.look()
    assert not connector.runs
    cluster.archived = 900
    second.look()
    assert connector.runs and cluster.marked() is False


def test_a_pause_that_failed_after_its_mark_is_done_again() -> None:
    cluster, connector, clock = FakeCluster(), FakeConnector(), Clock()
    cluster.high, connector.away = 900, True
    keeper = keeper_of(cluster, connector, clock)
    keeper.look()
    assert connector.runs and cluster.marked()
    connector.away = False
    keeper.look()
    assert not connector.runs


def test_a_connector_that_a_run_resumes_is_paused_again() -> None:
    cluster, connector, clock = FakeCluster(), FakeConnector(), Clock()
    cluster.high = 900
    keeper = keeper_of(cluster, connector, clock)
    keeper.look()
    connector.runs = True
    keeper.look()
    assert connector.runs and connector.asked == 1
    clock.now += AGAIN_SECONDS
    keeper.look()
    assert not connector.runs


def test_what_does_not_answer_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    cluster, connector = FakeCluster(), FakeConnector()
    cluster.away, cluster.high = True, 900
    keeper = keeper_of(cluster, connector, Clock())
    keeper.look()
    keeper.look()
    assert len([each for each in caplog.records if "looked after" in each.message]) == 1
    cluster.away = False
    keeper.look()
    assert not connector.runs


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{key}", 7),
        ("{key} 12", 7),
        ("", None),
        ("of another tool", None),
        ("{other}", None),
    ],
)
def test_only_an_offset_that_names_this_topic_s_id_counts(metadata: str, expected: int | None) -> None:
    names = {
        name: tile.name(tile.Source(AT[0], topic_id, AT[1]), 3)
        for name, topic_id in (("key", "AAAAAAAAAAAAAAAAAAAAAQ"), ("other", "AAAAAAAAAAAAAAAAAAAAAg"))
    }
    assert _archived(AT, (7, metadata.format(**names)), {AT[0]: "AAAAAAAAAAAAAAAAAAAAAQ"}) == expected


def test_no_offset_is_none() -> None:
    assert _archived(AT, None, {AT[0]: "x"}) is None
    assert _archived(AT, None, None) is None


def test_a_sink_connector_s_offsets_name_no_topic() -> None:
    assert _archived(AT, (7, ""), None) == 7


def answer(error: int = 0) -> bytes:
    replicas = b"".join(struct.pack(">iqq?", number, size, 0, False) + b"\0" for number, size in ((0, 100), (1, 2**33)))
    topic = bytes([2]) + b"t" + b"\x03" + replicas + b"\0"
    folder = struct.pack(">h", error) + bytes([5]) + b"/log" + b"\x02" + topic + b"\0"
    return struct.pack(">i", 1) + b"\0" + struct.pack(">i", 0) + b"\x02" + folder + b"\0"


def test_sizes_of_replicas_are_read() -> None:
    assert parse(answer()) == {("t", 0): 100, ("t", 1): 2**33}


def test_errors_and_cut_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="/log with error code 56"):
        parse(answer(error=56))
    with pytest.raises(ValueError, match="cut short"):
        parse(answer()[:-20])


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.json"
    raw = {
        "bootstrap_servers": "k:9092",
        "client": {},
        "readers": [{"group": "g", "topics": ["a"], "names_ids": False}],
        "keep_seconds": "604800",
        "heartbeat": "h",
        "limit": "3578789888",
        "connector": "c",
    }
    path.write_text(json.dumps(raw))
    settings = Settings.read(path)
    assert (settings.limit, settings.keep_seconds) == (3578789888, 604800.0)
    assert settings.readers == (Reader("g", ("a",), names_ids=False),)
    login = tmp_path / "login.json"
    login.write_text('{"sasl.password": "secret"}')
    path.write_text(json.dumps({**raw, "client": {"sasl.username": "u"}, "login_file": str(login)}))
    assert Settings.read(path).client == {"sasl.username": "u", "sasl.password": "secret"}
    assert "secret" not in repr(Settings.read(path))
    login.write_text('{"sasl.password": secret')
    with pytest.raises(ValueError, match=r"login\.json: it is not JSON in line 1") as caught:
        Settings.read(path)
    assert "secret" not in str(caught.value)
    path.write_text(json.dumps({**raw, "limit": "much"}))
    with pytest.raises(ValueError, match="much"):
        Settings.read(path)
    path.write_text("[")
    with pytest.raises(ValueError, match=r"disk\.json"):
        Settings.read(path)


def test_thresholds_leave_room_for_what_is_under_way() -> None:
    assert deciding.TRIM < deciding.RESUME < deciding.PAUSE <= 0.8
