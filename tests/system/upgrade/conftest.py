# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The upgrade, run once; the tests look at what it left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import base
import pytest
from archive import archived, objects, store_of
from base import ROOT
from cdc_pipeline.verify.archive_state import State
from changes import KEYS, Change
from installation import Installation
from signed_in import signed_in
from site_runs import Run
from writer import CHANGES, rows_of, writing

# Below the ports that the kernel gives to outgoing connections. Not a multiple of a hundred, as other instances have:
# their ports differ by hundreds as well.
OFFSET = 1350
# From the last commit to its object, when Kafka Connect has just been restarted.
_ARCHIVED_SECONDS = 300.0


@dataclass(frozen=True)
class Form:
    """How much is done.

    Attributes:
        rate: changes in a second.
        before, after: seconds of load on either side of the upgrade.
    """

    rate: float
    before: float
    after: float


# The archive cuts an object after a minute, so the long form has some that nothing but time has cut.
LONG = Form(rate=200, before=75, after=30)
SHORT = Form(rate=100, before=5, after=5)


@dataclass(frozen=True)
class Upgraded:
    """An instance after its upgrade, at rest.

    Attributes:
        old: where the version is that it was set up with.
        variables: that the new version was run with.
        refused: what the new version said to old names of variables; None where no variable has been renamed.
        publication: that the connector read before.
        before: the tables' objects before the upgrade, each with its tag.
        made: every committed change, the rows before the first one among them.
        rows: the database's, by table and key.
        state: the archive's objects.
        run: the new version's.
        during: transactions that were committed while it ran.
        expected: as many as the writer would have committed in that time without interruptions.
    """

    site: Installation
    old: Path
    variables: Mapping[str, Any]
    refused: Run | None
    publication: str
    before: Mapping[str, str]
    made: list[Change]
    rows: Mapping[tuple[Any, ...], Mapping[str, Any]]
    state: State
    run: Run
    during: int
    expected: float


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="more load, and a fresh installation to compare with")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: of the long form alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="sets up an instance, and so needs root"))


@pytest.fixture(scope="session")
def form(pytestconfig: pytest.Config) -> Form:
    return LONG if pytestconfig.getoption("--full") else SHORT


@pytest.fixture(scope="session")
def upgraded(form: Form, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    old = base.check_out(tmp_path_factory.mktemp("old") / "checkout")
    table = base.renamed()
    variables = base.old_settings(table, base.read_defaults(old))
    site = Installation("upgrade", OFFSET, Path("/var/lib/cdc-pipeline/upgrade"))
    # Of a test that was interrupted.
    site.remove(ROOT)
    try:
        with timed("the old version"):
            site.make("site", old, variables=variables).must_succeed()
        yield _upgrade(site, old, form, variables, table)
    finally:
        if not os.environ.get("CDC_KEEP"):
            site.remove(ROOT)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Says how long it took."""
    begin = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begin:.0f} s")


def publication_of(site: Installation) -> str:
    """The publication that the connector reads."""
    with signed_in(site.endpoints()["kafka_connect"]) as worker:
        return str(worker.get("/connectors/postgres-cdc/config").raise_for_status().json()["publication.name"])


def _upgrade(
    site: Installation,
    old: Path,
    form: Form,
    variables: Mapping[str, Any],
    table: Mapping[str, Mapping[str, str]],
) -> Upgraded:
    # Every renamed variable is refused, also one that the old version does not have.
    names = {**dict.fromkeys(table, ""), **variables}
    refused = site.make("site", ROOT, variables=names) if names else None
    given = base.with_new_names(variables, table)
    with writing(lambda: site.endpoints()["postgresql"], form.rate) as writer:
        time.sleep(form.before)
        endpoints = site.endpoints()
        with signed_in(endpoints["archive"]) as archive:
            archive.post("/flush?timeout=30").raise_for_status()
        before = objects(store_of(endpoints["object_store"]))
        publication = publication_of(site)
        with writer.connect() as connection:
            connection.execute("CREATE TABLE keyless (id int)")
            connection.execute("INSERT INTO keyless VALUES (1)")
        begin = time.monotonic()
        with timed("the new version"):
            run = site.make("site", ROOT, variables=given)
        end = time.monotonic()
        run.must_succeed()
        time.sleep(form.after)
    print(f"{len(writer.changes)} changes, {writer.interruptions} interruptions of the writer")
    with timed("the archive"):
        state = archived(site.context(), len(writer.changes), _ARCHIVED_SECONDS)
    with writer.connect() as connection:
        rows = {
            (change.table, *change.key): change.row
            for name in KEYS
            for change in (Change(name, "", row) for row in rows_of(connection, name))
        }
    return Upgraded(
        site,
        old,
        given,
        refused,
        publication,
        before,
        writer.changes,
        rows,
        state,
        run,
        writer.committed(begin, end),
        (end - begin) * form.rate / CHANGES,
    )
