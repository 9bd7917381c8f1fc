"""A transaction whose group's coordinator is not found, as while a broker leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.archive import transaction
from cdc_pipeline.archive.tile import Rejection, Source

COMMIT = """
import json, sys
from coordinators import Coordinators
from cdc_pipeline.archive import clients, log, settings, transaction
from cdc_pipeline.archive.tile import Source
from cdc_pipeline.log import configure

configure(log.LOGGER, "INFO")
cluster = Coordinators(3)
cluster.create_topic("topic")
file, times, properties, transaction.SEND_SECONDS = *sys.argv[1:4], float(sys.argv[4])
kafka = {"bootstrap_servers": cluster.bootstrap_servers, "properties": json.loads(properties)}
with open(file, "w") as out:
    json.dump({"group_id": "group", "topics": ["topic"], "kafka": kafka, "schema_registry": {"url": "http://r"},
               "object_store": {"bucket": "b"}}, out)
given = settings.load(file)
committer = transaction.Committer(clients.producer(given), clients.consumer(given), "group", ".dlq")
committer.start()
cluster.not_available(int(times))
committer.commit([transaction.Entry(Source("topic", "an-id", 0), 5, "metadata")])
print("committed")
"""


def commit(
    folder: Path, times: int, seconds: float = transaction.SEND_SECONDS, **properties: Any
) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which may have to end, while no coordinator is known for so many questions."""
    arguments = [str(folder / "archive.json"), str(times), json.dumps(properties), str(seconds)]
    command = [sys.executable, "-c", COMMIT, *arguments]
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60)


# Three more are asked for by themselves.
@pytest.mark.parametrize("times", [1, 4, 6])
def test_it_is_found_when_it_is_there_again(tmp_path: Path, times: int):
    done = commit(tmp_path, times)
    assert (done.returncode, "committed" in done.stdout) == (0, True), done


def test_the_process_ends_where_the_client_does_not_come_back(tmp_path: Path):
    done = commit(tmp_path, 50, 5, **{"connections.max.idle.ms": 0})
    assert done.returncode == 1, done
    assert "sending offsets to the transaction did not come back within 5 s" in done.stdout, done


@pytest.mark.parametrize(("epoch", "said"), [(4, 4), (0, 0), (None, None)])
def test_an_offset_carries_the_leader_epoch_before_it(epoch: int | None, said: int | None):
    entry = transaction.Entry(Source("topic", "an-id", 2), 5, "metadata", leader_epoch=epoch)
    offset = transaction._offset(entry)
    assert (offset.topic, offset.partition, offset.offset, offset.metadata) == ("topic", 2, 5, "metadata")
    assert offset.leader_epoch == said


class NoUtf8:
    def headers(self) -> None:
        raise SystemError("returned a result with an exception set")


def test_headers_and_reasons_that_are_no_utf_8_do_not_end_the_loop():
    assert transaction.headers_of(NoUtf8()) is None
    committer = object.__new__(transaction.Committer)
    committer._name = "archive"
    entry = transaction.Entry(Source("topic", "an-id", 2), 5, "metadata")
    headers = dict(committer._headers(entry, Rejection(1, "record.refused", "\ud800")))
    assert headers["__connect.errors.exception.message"] == b"?"
