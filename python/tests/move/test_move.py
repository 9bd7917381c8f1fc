"""What is copied is what was there, and a volume that belongs to a server is not touched."""

from __future__ import annotations

import copy
import io
import json

import pytest
from cdc_pipeline.move.cli import main
from cdc_pipeline.move.compare import differences, lsn
from cdc_pipeline.move.receive import receive, release, state
from cdc_pipeline.move.tree import MARKER, TreeError, pack, summary


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "log" / "empty").mkdir(parents=True)
    (folder / "log" / "topic+1").mkdir()
    (folder / "log" / "topic+1" / "0000.log").write_bytes(bytes(range(256)) * 5000)
    (folder / "log" / "meta.properties").write_text("node.id=1\n")
    (folder / "log").chmod(0o700)
    return folder


@pytest.fixture
def volume(tmp_path):
    folder = tmp_path / "volume"
    (folder / "lost+found").mkdir(parents=True)
    return folder


def stream(folder):
    found = io.BytesIO()
    pack(folder, found)
    found.seek(0)
    return found


def test_a_folder_arrives_as_it_was(source, volume):
    told = receive(stream(source), volume)
    assert told == {"state": "arrived", **summary(source).plain()} == state(volume)
    assert summary(volume) == summary(source) and summary(source).files == 2
    assert (volume / "log" / "empty").is_dir() and (volume / "log").stat().st_mode & 0o777 == 0o700


def test_the_digest_sees_every_difference(source):
    first = summary(source).digest
    (source / "log" / "another").mkdir()
    second = summary(source).digest
    (source / "log" / "another").rmdir()
    (source / "log" / "meta.properties").write_text("node.id=2\n")
    assert len({first, second, summary(source).digest}) == 3


def test_an_interrupted_copy_is_made_anew(source, volume):
    half = io.BytesIO(stream(source).getvalue()[:20480])
    with pytest.raises(Exception):  # noqa: B017 - tarfile says so in several ways
        receive(half, volume)
    assert state(volume)["state"] == "arriving" and not (volume / "log").exists()
    with pytest.raises(TreeError, match="not filled to its end"):
        release(volume)
    assert receive(stream(source), volume)["state"] == "arrived"
    assert summary(volume) == summary(source)


def test_a_second_copy_leaves_nothing_of_the_first(source, volume):
    receive(stream(source), volume)
    (source / "log" / "meta.properties").unlink()
    receive(stream(source), volume)
    assert summary(volume) == summary(source) and not (volume / "log" / "meta.properties").exists()


def test_the_data_of_a_server_is_not_overwritten(source, volume):
    receive(stream(source), volume)
    assert release(volume) == {"state": "released"} == release(volume)
    assert state(volume)["state"] == "foreign" and not (volume / MARKER).exists()
    with pytest.raises(TreeError, match="not overwritten"):
        receive(stream(source), volume)
    assert summary(volume) == summary(source)


def test_what_cannot_be_copied_is_refused(source):
    (source / "elsewhere").symlink_to("/etc")
    with pytest.raises(TreeError, match="elsewhere is neither a file nor a folder"):
        summary(source)
    with pytest.raises(TreeError, match="elsewhere"):
        pack(source, io.BytesIO())


def test_the_command_in_a_pod(source, volume, monkeypatch, capsys):
    assert main(["state", str(volume)]) == 0 and json.loads(capsys.readouterr().out) == {"state": "empty"}

    class Stdin:
        buffer = stream(source)

    monkeypatch.setattr("sys.stdin", Stdin)
    assert main(["receive", str(volume)]) == 0 and json.loads(capsys.readouterr().out)["state"] == "arrived"
    assert main(["release", str(volume)]) == 0
    assert main(["receive", str(volume)]) == 1 and "not overwritten" in capsys.readouterr().err


BEFORE = {
    "postgresql": {"system": "7", "lsn": "0/2000", "slots": {"debezium": {"confirmed": "0/1F00", "wal": "reserved"}}},
    "kafka": {
        "ids": {"t": "abc"},
        "ends": {"t-0": [0, 50], "t-1": [10, 20]},
        "archived": {"t-0": [50, "t+abc+0+00000000000000000000 50"]},
    },
    "schema_registry": {"t-value/1": [3, "digest"]},
    "connectors": {"c": [{"partition": {"server": "postgres"}, "offset": {"lsn": 7936}}]},
    "object_store": {"objects": 5, "bytes": 100, "digest": "d"},
}


def test_the_same_is_the_same():
    after = copy.deepcopy(BEFORE)
    after["postgresql"]["lsn"] = "0/2100"
    # PostgreSQL forgets how far a slot was confirmed, and retention takes records from the beginning.
    after["postgresql"]["slots"]["debezium"]["confirmed"] = "0/1E00"
    after["kafka"]["ends"]["t-1"] = [15, 20]
    assert differences(BEFORE, BEFORE) == differences(BEFORE, after) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("postgresql", "system"), "8", "another cluster"),
        (("postgresql", "lsn"), "0/1000", "PostgreSQL is at 0/1000, before 0/2000"),
        (("postgresql", "slots"), {}, "slot debezium is missing"),
        (("postgresql", "slots", "debezium", "wal"), "lost", "has lost WAL"),
        (("postgresql", "slots", "debezium", "confirmed"), "0/1F01", "beyond 0/1F00"),
        (("kafka", "ids", "t"), "xyz", "id of the topic t"),
        (("kafka", "ends", "t-0"), [0, 49], "the partition t-0 has the offsets"),
        (("kafka", "ends", "t-0"), [0, 51], "the partition t-0 has the offsets"),
        (("kafka", "ends", "t-2"), [0, 0], "t-2 is new"),
        (("kafka", "archived", "t-0"), [49, "t+abc+0+00000000000000000000 50"], "position of the archive in t-0"),
        (("schema_registry", "t-value/1"), [4, "digest"], "schema t-value/1"),
        (("connectors", "c"), None, "offsets of the connector c"),
        (("object_store", "digest"), "e", "archive's digest"),
    ],
)
def test_every_loss_is_told(path, value, told):
    after = copy.deepcopy(BEFORE)
    place = after
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = differences(BEFORE, after)
    assert len(found) == 1 and told in found[0]


def test_the_command_compares(tmp_path, capsys):
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(BEFORE))
    after.write_text(json.dumps({**BEFORE, "schema_registry": {}}))
    assert main(["compare", str(before), str(before)]) == 0
    assert "60 offsets in 2 partitions, 1 schemas, 5 objects, PostgreSQL from 0/2000 on" in capsys.readouterr().out
    assert main(["compare", str(before), str(after)]) == 1


def test_positions_in_postgresqls_log():
    assert lsn("0/0") == lsn(None) == 0 and lsn("1/0") == 1 << 32 and lsn("0/1A2B3C4D") == 0x1A2B3C4D


def test_endpoints_that_are_none_are_refused(tmp_path, capsys):
    plan = {"endpoints": {"kafka": {"bootstrap_server": "h:1"}}, "topics": [], "group": "g", "connectors": []}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert main(["record", "--plan", str(tmp_path / "plan.json"), "--output", str(tmp_path / "record.json")]) == 1
    assert "did you mean bootstrap_servers?" in capsys.readouterr().err
    assert not (tmp_path / "record.json").exists()
