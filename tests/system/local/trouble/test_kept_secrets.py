# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Secrets of a running instance are in the files that are meant to hold them.

tests/system/local/secrets looks further.
"""

from __future__ import annotations

from pathlib import Path

from kept import meant_for, wrong_modes
from needles import Search, secrets_of
from places import Processes, core_limits, dumps, family, files_below, find_in_files
from site_runs import Site


def written(site: Site) -> list[Path]:
    """What runs and processes have written, but for the servers' own data."""
    folders = [path for path in site.home.glob("*") if path.is_dir()]
    replicas = {path for path in folders if (path / "data").is_dir()}
    inner = [path for replica in replicas for path in replica.glob("*") if path.name != "data"]
    alone = [path for path in site.home.glob("*") if path.is_file()]
    return [*alone, *files_below([*inner, *(set(folders) - replicas), site.reports])]


def test_secrets_are_in_the_files_meant_to_hold_them_alone(running: Site):
    files, home = written(running), running.home
    found = find_in_files(Search(secrets_of(home)), files)
    assert len(found) > 20, "or the search finds nothing"
    assert {str(path): sorted(names) for path, names in found.items() if not meant_for(path, home)} == {}
    assert wrong_modes(found, home) == {}
    assert dumps(files) == []


def test_processes_neither_show_them_nor_leave_them_in_a_core(running: Site):
    search, seen = Search(secrets_of(running.home)), Processes()
    seen.look(every=True)
    assert {what: names for text, what in seen.seen.items() if (names := search.find(text))} == {}
    limits = core_limits(family(int((running.home / "supervisor/supervisord.pid").read_text())))
    assert len(limits) > 10 and {name: limit for name, limit in limits.items() if limit != ("1", "1")} == {}
