# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each secret is in the files that are meant to hold it and nowhere else, after runs that succeeded and that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from evidence import Evidence
from kept import KEPT, meant_for, wrong_modes
from places import core_limits, dumps, family, files_below, find_in_files


@pytest.fixture(scope="module")
def in_files(evidence: Evidence) -> dict[Path, set[str]]:
    return find_in_files(evidence.search, evidence.files())


def test_runs_ended_as_they_were_to(evidence: Evidence):
    assert evidence.unmet == {}


def test_each_is_found_where_it_is_kept(evidence: Evidence, in_files: dict[Path, set[str]]):
    """Or the search would find nothing anywhere else either."""
    home = evidence.site.home
    kept = files_below([home / "credentials"])
    keys = [path for path in files_below([home / "certificates"]) if path.suffix == ".key"]
    assert len(kept) > 15 and len(keys) > 5
    assert {path for path in (*kept, *keys) if path not in in_files} == set()


def test_they_are_in_files_that_are_meant_to_hold_them_alone(evidence: Evidence, in_files: dict[Path, set[str]]):
    homes = (evidence.site.home, evidence.in_cluster.home)
    elsewhere = {
        str(path): sorted(names)
        for path, names in in_files.items()
        if not any(meant_for(path, home) for home in homes) and not path.is_relative_to(evidence.manifests)
    }
    assert elsewhere == {}


def test_these_files_are_there_and_their_owners_alone_read_them(evidence: Evidence, in_files: dict[Path, set[str]]):
    home = evidence.site.home
    found = [kept for path in in_files if (kept := meant_for(path, home))]
    assert set(found) == set(KEPT), "what is stated, and where nothing is found, is out of date"
    assert wrong_modes(in_files, home) | wrong_modes(in_files, evidence.in_cluster.home) == {}
    assert (home / "credentials").stat().st_mode & 0o077 == 0


def test_no_run_no_command_no_answer_and_no_topic_tells_them(evidence: Evidence):
    search = evidence.search
    told = {what: sorted(names) for what, text in evidence.said.items() if (names := search.find(text))}
    assert told == {}


def test_they_are_in_no_arguments_and_no_environment(evidence: Evidence):
    search = evidence.search
    assert len(evidence.processes.seen) > 100
    shown = {what: sorted(names) for text, what in evidence.processes.seen.items() if (names := search.find(text))}
    assert shown == {}


def test_the_log_of_the_system_has_none(evidence: Evidence):
    assert b"Invoked with" in evidence.log, "modules say there what they are called with"
    assert evidence.search.find(evidence.log) == set()


def test_ansible_keeps_none_in_its_temporary_folders(evidence: Evidence):
    search = evidence.search
    contents = evidence.temporary.contents
    found = {path.name: sorted(names) for (path, _time), text in contents.items() if (names := search.find(text))}
    assert found == {}


def test_manifests_have_them_in_secrets_alone(evidence: Evidence, in_files: dict[Path, set[str]]):
    found = {path for path in in_files if path.is_relative_to(evidence.manifests)}
    assert found and not [path for path in found if path.is_relative_to(evidence.manifests / "without")]
    assert {yaml.safe_load(path.read_text())["kind"] for path in found} == {"Secret"}
    assert {oct(path.stat().st_mode & 0o777) for path in found} == {"0o600"}


def test_no_process_may_write_its_memory_to_a_file(evidence: Evidence):
    pids = list(family(int((evidence.site.home / "supervisor/supervisord.pid").read_text())))
    limits = core_limits(pids)
    assert len(limits) > 10
    # One byte: no core fits, and none is piped to a program either, as with a limit of 0 (core(5)).
    assert {name: limit for name, limit in limits.items() if limit != ("1", "1")} == {}
    words = [word for pid in pids for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    assert [word for word in words if word.startswith((b"-XX:+HeapDump", b"-XX:+CreateCoredump"))] == []


def test_processes_that_crashed_left_no_dump_and_no_bundle_has_one(evidence: Evidence):
    crashed = {path.parent.parent.name for path in evidence.site.home.glob("*/log/hs_err_pid*.log")}
    assert crashed >= {"kafka-connect-0", "kafka-2"}, "what Java writes of a crash"
    bundled = {path.name for path in files_below([evidence.site.reports / "local/diagnostics"])}
    # Of the runs in which these did not start.
    assert bundled >= {"result.json", "kafka-0.log", "kafka-connect-0.log", "schema-registry-0.log"}
    assert dumps(evidence.files()) == []
