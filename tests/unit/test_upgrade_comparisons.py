# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the upgrade's test compares with would notice what it is there to notice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import cast

import polars as pl
import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/system/upgrade"), str(ROOT / "python/src")]

import base  # noqa: E402
from archive import rows_in, with_documents  # noqa: E402
from changes import Change, current, differences, row_differences  # noqa: E402
from left_over import (  # noqa: E402
    Process,
    files_of,
    left_over_files,
    of_instance,
    process_problems,
    programs_of,
    references,
)
from writer import Connection, Writer  # noqa: E402

USER = Change("public.users", "c", {"user_id": 1, "full_name": "Ada", "active": True})
RENAMED_USER = Change("public.users", "u", {"user_id": 1, "full_name": "Zoë", "active": True})
PRODUCT = Change("public.products", "u", {"product_id": 1, "price": Decimal("1.50"), "attributes": {"a": [1, None]}})
GONE = Change("public.users", "d", {"user_id": 1, "full_name": None, "active": None})
MADE = [USER, PRODUCT, RENAMED_USER]


def changed(change: Change, **cells: object) -> Change:
    return replace(change, row={**change.row, **cells})


def test_what_was_archived_as_it_was_made_is_no_difference():
    assert differences(MADE, list(reversed(MADE))) == []
    assert differences([GONE], [changed(GONE, full_name="Ada")]) == [], "of a delete only the key counts"


def test_a_lost_change_is_found():
    (text,) = differences(MADE, MADE[:-1])
    assert text.startswith("archived less often than made: 1 x ('public.users', 'u'")


def test_a_doubled_change_is_found():
    (text,) = differences(MADE, [*MADE, USER])
    assert text.startswith("archived more often than made: 1 x ('public.users', 'c'")


def test_a_change_that_nobody_made_is_found():
    (text,) = differences(MADE, [*MADE, GONE])
    assert text.startswith("archived and never made: 1 x ('public.users', 'd'")


@pytest.mark.parametrize(
    "spoiled",
    [
        changed(PRODUCT, price=Decimal("1.51")),
        changed(PRODUCT, price="1.50"),
        changed(PRODUCT, attributes={"a": [1, 0]}),
        changed(PRODUCT, product_id=2),
        changed(PRODUCT, further=None),
        replace(PRODUCT, operation="c"),
    ],
)
def test_a_changed_value_is_found(spoiled: Change):
    lost, strange = differences(MADE, [USER, spoiled, RENAMED_USER])
    assert lost.startswith("archived less often than made: 1 x ('public.products'")
    assert strange.startswith("archived and never made: 1 x ('public.products'")


def test_the_rows_that_changes_leave():
    assert current(MADE) == {("public.users", 1): RENAMED_USER.row, ("public.products", 1): PRODUCT.row}
    assert current([*MADE, GONE]).keys() == {("public.products", 1)}


def test_rows_that_differ_are_found():
    rows = current(MADE)
    assert row_differences(rows, current(MADE)) == []
    assert row_differences(rows, current([PRODUCT])) == ["not in the archive: ('public.users', 1)"]
    assert row_differences(current([PRODUCT]), rows) == ["only in the archive: ('public.users', 1)"]
    (text,) = row_differences(rows, current([USER, PRODUCT]))
    assert text == "('public.users', 1): full_name is 'Zoë', and 'Ada' in the archive"


def test_rows_are_read_as_the_database_has_them(tmp_path: Path):
    at = datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC)
    cells = {"product_id": [1, 1], "price": [Decimal("1.50"), None], "attributes": ['{"a":[1,null]}', None]}
    own = {"__op": ["c", "d"], "__partition": [0, 0], "__deleted": ["false", "true"]}
    frame = pl.DataFrame({**cells, "updated_at": [at, None], **own}).with_columns(
        pl.col("price").cast(pl.Decimal(10, 2)), pl.col("updated_at").cast(pl.Datetime("us", "UTC"))
    )
    # The second object is the first by its offsets.
    frame.with_columns(__offset=pl.Series([7, 8])).write_parquet(tmp_path / "0.parquet")
    frame[:1].with_columns(__offset=pl.Series([3])).write_parquet(tmp_path / "1.parquet")
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    made = changed(PRODUCT, updated_at=elsewhere)
    insert = replace(made, operation="c")
    read = list(rows_in("public.products", [str(tmp_path / f"{n}.parquet") for n in (0, 1)]))
    assert [change.operation for change in read] == ["c", "c", "d"]
    assert differences([insert, insert, replace(made, operation="d")], with_documents([made], read)) == []
    assert len(differences([changed(insert, updated_at=at + timedelta(microseconds=1))], read[:1])) == 2


HOME = Path("/srv/home")
ARTIFACTS = ["/srv/cache/kafka-0123456789ab", "/srv/cache/services-0123456789ab"]
SUPERVISOR = Process(10, 1, "python /srv/home/supervisor/tools/supervisord", frozenset({"/srv/home/supervisor"}))
BROKER = Process(11, 10, "java -cp /srv/cache/kafka-0123456789ab/* kafka.Kafka", frozenset({"/srv/home/kafka-0/log"}))


def judged(*processes: Process, programs: int = 1) -> list[str]:
    mine = of_instance(processes, HOME)
    return process_problems(mine, ["command"] * programs, ARTIFACTS, [Path("/srv/old")])


def test_processes_as_they_have_to_be():
    elsewhere = Process(12, 1, "java /srv/home-of-another/x", frozenset({"/srv/cache/kafka-ffffffffffff/a.jar"}))
    assert judged(SUPERVISOR, BROKER, elsewhere) == []


def test_a_process_without_the_supervisor_is_found():
    (text,) = judged(SUPERVISOR, BROKER, replace(BROKER, pid=13, parent=1))
    assert "without a parent: process 10" in text
    assert "process 13" in text
    assert judged(programs=0) == ["one supervisor has to be the parent of all processes; without a parent: none"]


def test_a_program_that_is_not_in_the_configuration_is_found():
    (text,) = judged(SUPERVISOR, BROKER, replace(BROKER, pid=13))
    assert text.startswith("the supervisor is told to run 1 programs, and 2 run")


@pytest.mark.parametrize(
    "path", ["/srv/cache/kafka-ffffffffffff/kafka.jar", "/srv/cache/kafka-ffffffffffff", "/srv/old/python/x.py"]
)
def test_a_process_of_the_old_version_is_found(path: str):
    (text,) = judged(SUPERVISOR, replace(BROKER, paths=BROKER.paths | {path}))
    assert f"uses {path}, which this version does not use" in text
    (text,) = judged(SUPERVISOR, replace(BROKER, command=f"java -cp {path}"))
    assert f"uses {path}, which this version does not use" in text


def test_a_process_whose_file_was_replaced_is_found():
    (text,) = judged(SUPERVISOR, replace(BROKER, paths=BROKER.paths | {f"{ARTIFACTS[0]}/kafka.jar (deleted)"}))
    assert "which was replaced" in text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An instance's, with one workload."""
    for name, text in {
        "supervisor/supervisord.conf": "[supervisord]\n[eventlistener:prober]\ncommand = prober %(x)s\n",
        "supervisor/conf.d/kafka.conf": "[program:kafka-0]\ncommand=run kafka-0\n[program:kafka-1]\ncommand=run 1\n",
        "supervisor/replicas/kafka-0.json": f'{{"command": "{ARTIFACTS[0]}/bin/run"}}',
        "kafka-0/config/server.properties": "data=/srv/cache/downloads",
        "kafka-0/data/topic/00.log": "/srv/cache/kafka-ffffffffffff",
        "kafka-0/log/gc.log": "",
        "kafka-0/tmp/x": "",
        "log/kafka-0.log": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_belongs_to_a_version(home: Path):
    assert files_of(home) == {
        "supervisor/supervisord.conf",
        "supervisor/conf.d/kafka.conf",
        "supervisor/replicas/kafka-0.json",
        "kafka-0/config/server.properties",
    }
    assert programs_of(home) == ["prober %(x)s", "run kafka-0", "run 1"]


def test_a_file_that_is_left_over_is_found(home: Path):
    fresh = files_of(home)
    (home / "supervisor/replicas/kafka-0.lived").write_text("")
    assert left_over_files(files_of(home), fresh) == [], "of a replica that there is"
    (home / "supervisor/conf.d/old.conf").write_text("")
    (home / "supervisor/replicas/old-0.lived").write_text("")
    (home / "kafka-0/secrets").mkdir()
    (home / "kafka-0/secrets/old").write_text("")
    assert left_over_files(files_of(home), fresh) == [
        "kafka-0/secrets/old",
        "supervisor/conf.d/old.conf",
        "supervisor/replicas/old-0.lived",
    ]


def test_a_file_that_names_an_artifact_of_the_old_version_is_found(home: Path):
    assert references(home, ARTIFACTS) == []
    (home / "kafka-0/config/run.sh").write_text("exec /srv/cache/kafka-ffffffffffff/bin/run")
    (text,) = references(home, ARTIFACTS)
    assert text.startswith("kafka-0/config/run.sh names /srv/cache/kafka-ffffffffffff,")


def test_old_names_of_variables():
    table = {"kafka_brokers": {"new": "kafka_replicas"}, "a": {"new": "b"}, "later": {"new": "c"}}
    settings = base.old_settings(table, {"kafka_brokers": 3, "a": "{{ x }}", "kafka_heap": "1g"})
    assert settings == {"kafka_brokers": 3}, "what the old version knows, at its own value"
    assert base.with_new_names({**settings, "kafka_heap": "1g"}, table) == {"kafka_replicas": 3, "kafka_heap": "1g"}


def test_a_shallow_clone_says_what_to_do(tmp_path: Path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "clone")], check=True)
    with pytest.raises(base.NoHistoryError, match="git fetch --unshallow"):
        base.check_out(tmp_path / "old", repository=tmp_path / "clone")
    assert not (tmp_path / "old").exists()


def test_the_documentation_names_the_same_commit():
    assert base.COMMIT[:7] in (ROOT / "docs/guarantees.md").read_text()


class Doubtful(Writer):
    """A writer whose database answers no commit; afterwards it says what became of each."""

    def __init__(self, *statuses: str) -> None:
        super().__init__(dict, 1000)
        self.statuses = list(statuses)
        self.connections = 0

    def connect(self) -> Connection:
        self.connections += 1
        return cast(Connection, self)

    def _changes(self, connection: Connection) -> Iterator[Change]:
        yield changed(USER, user_id=self.connections)

    def execute(self, query: str, parameters: tuple[str, ...] = ()) -> Doubtful:
        self.answer = {"status": self.statuses.pop(0)} if parameters else {"id": "1"}
        self.asks = bool(parameters)
        return self

    def fetchone(self) -> dict[str, str]:
        return self.answer

    def commit(self) -> None:
        if not self.asks:
            if not self.statuses:
                self._stop.set()
                self._pending = None
            raise psycopg.OperationalError("no answer")

    def close(self) -> None:
        pass


def test_the_writer_asks_what_became_of_a_commit_without_an_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("writer._RECONNECT_SECONDS", 0)
    writer = Doubtful("committed", "aborted", "in progress", "committed")
    writer._run()
    assert writer.problem is None
    assert [change.row["user_id"] for change in writer.changes] == [1, 3]
    assert writer.interruptions == 4
