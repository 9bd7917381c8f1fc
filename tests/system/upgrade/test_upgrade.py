# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An earlier version becomes this one by `make site` under load: nothing is lost, doubled or left over.

The tests run in the order in which they stand here: each leaves the instance as it is, but for the last.
"""

from __future__ import annotations

import re
from pathlib import Path

import base
import pytest
from archive import objects, read_changes, tiling_problems, with_documents
from base import ROOT
from changes import SNAPSHOT, Change, current, differences, row_differences
from conftest import Upgraded, publication_of, timed
from left_over import (
    files_of,
    left_over_files,
    of_instance,
    process_problems,
    programs_of,
    read_processes,
    references,
)

# Of the load that is meant to run during the upgrade; the database restarts, and the machine is busy.
_LEAST_LOAD = 0.2


def test_the_load_ran_while_the_version_changed(upgraded: Upgraded):
    assert upgraded.during >= _LEAST_LOAD * upgraded.expected, (upgraded.during, upgraded.expected)
    made = {(change.table, change.operation) for change in upgraded.made}
    assert {
        ("public.orders", "d"),
        ("public.order_items", "d"),
        ("public.products", "u"),
        ("public.users", "c"),
    } <= made


def test_old_names_of_variables_are_refused_with_the_new_ones(upgraded: Upgraded):
    """Of every variable in meta/renamed_variables.yml; where that is empty, no name can be refused."""
    table = base.renamed()
    assert (upgraded.refused is None) == (not table)
    if upgraded.refused is not None:
        texts = [text for entry in table.values() for text in (f"write {entry['new']}", entry["removal_version"])]
        upgraded.refused.must_fail_with("nothing has been changed", *table, *texts)
        assert upgraded.refused.changed == 0


def test_objects_tile_their_partitions_across_the_upgrade(upgraded: Upgraded):
    assert tiling_problems(upgraded.state) == []
    now = objects(upgraded.site.context().store)
    assert now.keys() == {tile.key for tile in upgraded.state.tiles}
    assert upgraded.before, "the old version wrote objects"
    assert upgraded.before.items() <= now.items(), "and the new one left them as they were"
    assert len(now) > len(upgraded.before), "and wrote some of its own"


@pytest.fixture(scope="session")
def archived_changes(upgraded: Upgraded, tmp_path_factory: pytest.TempPathFactory) -> list[Change]:
    found = read_changes(upgraded.site.context(), tmp_path_factory.mktemp("objects"))
    return with_documents(upgraded.made, found)


def test_every_change_is_archived_once_by_value(upgraded: Upgraded, archived_changes: list[Change]):
    assert differences(upgraded.made, archived_changes) == []


def test_the_archive_has_the_rows_of_the_database_by_value(upgraded: Upgraded, archived_changes: list[Change]):
    assert any(change.operation == SNAPSHOT for change in archived_changes)
    assert row_differences(upgraded.rows, current(archived_changes)) == []


def test_the_connector_has_moved_to_a_publication_of_its_own(upgraded: Upgraded):
    context = upgraded.site.context()
    expected = context.plan.expected.postgresql
    # The comparisons above have it that nothing was lost on the way.
    assert upgraded.publication == expected.publication
    assert publication_of(upgraded.site) == expected.capture_publication
    with context.postgresql() as connection:
        found = dict(connection.execute("SELECT pubname, puballtables FROM pg_publication").fetchall())
        tables = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = %s",
            (expected.capture_publication,),
        ).fetchall()
        # The earlier version's publication made this impossible.
        connection.execute("UPDATE keyless SET id = 2")
    assert found == {expected.publication: True, expected.capture_publication: False}
    assert {name for (name,) in tables} == set(expected.captured)


def test_a_second_run_changes_nothing_and_proves_the_pipeline(upgraded: Upgraded):
    with timed("the second run"):
        run = upgraded.site.make("site", ROOT, variables=upgraded.variables)
    run.must_succeed()
    assert run.changed == 0, run.output[-6000:]
    assert "checks ok" in run.output


@pytest.mark.full
def test_the_new_version_verifies_it(upgraded: Upgraded):
    run = upgraded.site.make("verify", ROOT, variables=upgraded.variables).must_succeed()
    assert "checks ok" in run.output


def artifacts_of(upgraded: Upgraded) -> list[str]:
    """Folders that the new version runs from, as it states them to its verification, and caches of Java.

    The caches need not be there, so that nothing is expected of them. The earlier version knows none.
    """
    stated = list(upgraded.site.context().plan.expected.artifacts.folders.values())
    (cache,) = {Path(folder).parent for folder in stated}
    named = re.findall(r"cache_of_\w+-\w+", "\n".join(each.command for each in read_processes()))
    return [*stated, *(str(cache / name) for name in set(named))]


def test_no_process_of_the_old_version_is_left_over(upgraded: Upgraded):
    home = upgraded.site.home
    mine = of_instance(read_processes(), home)
    assert process_problems(mine, programs_of(home), artifacts_of(upgraded), [upgraded.old]) == []


def test_no_file_names_what_only_the_old_version_uses(upgraded: Upgraded):
    assert references(upgraded.site.home, artifacts_of(upgraded)) == []


@pytest.mark.full
def test_no_file_of_the_old_version_is_left_over(upgraded: Upgraded):
    """The upgraded instance has the files that a fresh one has."""
    site = upgraded.site
    found = files_of(site.home)
    site.make("destroy", ROOT, "-e", "destroy_data=true", variables=upgraded.variables).must_succeed()
    assert not Path(site.home).exists() or not files_of(site.home)
    with timed("a fresh installation"):
        site.make("site", ROOT, variables=upgraded.variables).must_succeed()
    fresh = files_of(site.home)
    assert left_over_files(found, fresh) == []
    assert sorted(fresh - found) == [], "the upgraded instance lacks files"
