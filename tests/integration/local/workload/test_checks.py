# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""New files are checked by their consumer before they replace the old ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError, InvalidError

ROOT = Path(__file__).resolve().parents[4]
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
# Refuses a greeting that is no text, in words that hold the secret; says otherwise what it sees.
CHECK = """
import json, os, pathlib, sys
settings, secrets, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
secret = (secrets / "password").read_text()
greeting = json.loads(settings.read_text())["greeting"]
if not isinstance(greeting, str):
    sys.exit(f"{settings}: greeting must be a text, not {greeting!r}; {secret}")
told = {
    "user": os.geteuid(),
    "mode": (secrets / "password").stat().st_mode & 0o777,
    "data": os.listdir(data),
    "peers": (settings.parent / "peers.txt").read_text(),
}
with open(sys.argv[4], "a") as stream:
    stream.write(json.dumps(told) + "\\n")
"""


@pytest.fixture
def checked(lab):
    """The lab's workload with a check, and where the check tells what it saw."""
    told = lab.home.parent / "told"
    told.touch(mode=0o666)
    told.chmod(0o666)
    arguments = ["@{config}/settings.json", "@{secrets}", "@{data}", str(told)]
    lab.spec["check"] = [{"name": "settings", "command": ["/usr/bin/python3", "-c", CHECK, *arguments]}]
    return lab, told


def seen(told):
    return [json.loads(line) for line in told.read_text().splitlines()]


def test_a_check_sees_the_new_files_as_the_process_would(checked):
    lab, told = checked
    lab.realiser().start()
    (lab.home / "web-0" / "data" / "precious").touch()
    assert [item["peers"].split()[0] for item in seen(told)] == ["web-0", "web-1", "web-2"]
    assert all(item["mode"] == 0o400 and item["data"] == [] for item in seen(told))
    if os.geteuid() == 0:
        assert all(item["user"] != 0 for item in seen(told))
    assert not (lab.home / "check").exists()

    assert not lab.realiser().start().changed and len(seen(told)) == 3, "what runs is not checked again"
    assert lab.realiser().start(restart=True).restarted and len(seen(told)) == 3
    lab.spec["files"]["settings.json"] = {"greeting": "good morning"}
    lab.realiser().start()
    assert len(seen(told)) == 6 and all(item["data"] == [] for item in seen(told))


@pytest.mark.parametrize("dry", [False, True])
def test_what_a_check_refuses_replaces_nothing(checked, dry):
    lab, _told = checked
    lab.realiser().start()
    before, file = lab.pids(), lab.home / "web-0" / "config" / "settings.json"
    text = file.read_text()
    lab.spec["files"]["settings.json"] = {"greeting": 7}
    with pytest.raises(InvalidError) as caught:
        lab.realiser(dry=dry).start()
    message = caught.value.message
    assert "web-0: its check settings refuses the new files (exit status 1)" in message
    assert f"{file}: greeting must be a text, not 7; ********" in message
    assert lab.pids() == before and file.read_text() == text and lab.answers()
    assert not (lab.home / "check").exists()
    lab.spec["files"]["settings.json"] = {"greeting": "hello"}
    assert not lab.realiser().start().changed


def test_what_a_killed_run_left_goes_with_the_next(checked):
    lab, _told = checked
    lab.spec["check"][0]["command"] = ["/bin/sleep", "60"]
    with pytest.raises(FailedError, match="did not end within 1 s"):
        lab.realiser(timeout=1).start()
    assert not (lab.home / "web-0").exists(), "a check comes before everything else"
    left = lab.home / "check" / "web-0" / "secrets" / "password"
    left.parent.mkdir(parents=True)
    left.write_text("first-secret-value")
    del lab.spec["check"]
    lab.realiser().start()
    assert not (lab.home / "check").exists()


def test_check_mode_leaves_out_what_is_not_installed_yet(checked):
    lab, _told = checked
    lab.spec["check"][0]["command"] = ["/not/installed/yet"]
    assert lab.realiser(dry=True).start().started
    with pytest.raises(InvalidError, match="exit status 127"):
        lab.realiser().start()


@pytest.mark.skipif(not BINARIES, reason="needs PostgreSQL on this host")
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("shared_buffers = banana", 'invalid value for parameter "shared_buffers": "banana"'),
        ("shard_buffers = 1MB", 'unrecognized configuration parameter "shard_buffers"'),
    ],
)
def test_postgresql_says_what_is_wrong_with_its_settings(lab, setting, words):
    """By the command of the role."""
    role = yaml.safe_load((ROOT / "roles/postgresql/vars/main.yml").read_text())["__postgresql_workload"]
    assert role["check"]
    lab.spec["check"] = json.loads(json.dumps(role["check"]).replace("{{ __postgresql_binaries }}", str(BINARIES[-1])))
    good = "shared_buffers = 16MB\nhba_file = '@{config}/pg_hba.conf'\ndata_directory = '@{data}/pgdata'\n"
    lab.spec["files"] |= {"postgresql.conf": good}
    lab.realiser().start()
    before = lab.pids()
    lab.spec["files"]["postgresql.conf"] = f"{good}{setting}\n"
    with pytest.raises(InvalidError) as caught:
        lab.realiser().start()
    assert words in caught.value.message
    assert f"{lab.home}/web-0/config/postgresql.conf" in caught.value.message
    assert lab.pids() == before and (lab.home / "web-2/config/postgresql.conf").read_text().startswith(good[:20])
    assert setting not in (lab.home / "web-0/config/postgresql.conf").read_text()
