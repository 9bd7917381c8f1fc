# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Jobs and cronjobs as real processes of a real supervisor.

The schedules have six fields, the first of them seconds, which the scheduler reads and a specification does not allow.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import DeadlineError, FailedError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.status import status

MODEL = "ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.model"
NOTE = 'echo "start $(date +%s.%N) $(id -un) $(cat "$2")" >> "$1"'


def shell(script: str, *arguments: str) -> list[str]:
    return ["/bin/sh", "-c", script, "run", "@{data}/runs", "@{config}/text", *arguments]


@pytest.fixture
def ending(lab, monkeypatch):
    """A job or cronjob in a running instance; gives the lab."""
    monkeypatch.setattr(importlib.import_module(MODEL), "five_fields", lambda text: text)
    lab.spec = {"name": "web", "kind": "job", "command": shell(NOTE), "files": {"text": "one"}, "stop_grace": 3}
    return lab


def every(seconds: int, **changes):
    return {"kind": "cronjob", "schedule": f"*/{seconds} * * * * *", **changes}


def runs(lab) -> list[str]:
    path = lab.home / "web-0" / "data" / "runs"
    return path.read_text().splitlines() if path.exists() else []


def row(lab) -> dict:
    return status(lab.instance, "web")[1][0]


def alive(pattern: str) -> list[int]:
    done = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def test_an_interrupted_job_runs_again_and_never_beside_the_first(ending):
    ending.spec["command"] = shell(f"{NOTE}; trap 'kill $!; sleep 1; exit 1' TERM; sleep 1000 & wait")
    script = textwrap.dedent(
        f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]!r}
        from collection_path import make_importable
        make_importable()
        from lab import Lab
        from pathlib import Path
        lab = Lab(Path({str(ending.home)!r}))
        lab.spec = {ending.spec!r}
        lab.realiser(timeout=60).run_job()
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    ending.until(lambda: len(runs(ending)) == 1, 20, "the job runs")
    process.kill()
    process.wait()
    ending.spec["command"] = shell(NOTE)
    began = time.monotonic()
    assert ending.realiser().run_job().started == ["web-0"]
    # The first one holds the lock until it has come to its end, a second after it was asked to.
    assert time.monotonic() - began > 0.5 and len(runs(ending)) == 2
    assert not ending.realiser().run_job().changed


def test_a_job_that_takes_too_long_is_asked_to_stop_then_killed_with_its_children(ending):
    seconds = f"4{os.getpid()}"
    ending.spec |= {"command": shell(f'trap "" TERM; {NOTE}; sleep {seconds}; true'), "deadline_seconds": 1}
    ending.spec["stop_grace"] = 1
    with pytest.raises(DeadlineError, match="did not end within 1 s and was stopped") as caught:
        ending.realiser().run_job()
    assert "its deadline_seconds" in caught.value.message
    assert not alive(f"sleep {seconds}")
    assert row(ending)["state"] == "NOT DONE"


def test_a_job_runs_as_its_user_and_shows_no_secret(ending):
    ending.spec["secrets"] = {"password": "hidden-value"}
    ending.spec["command"] = shell(f"{NOTE}; cat @{{secrets}}/password; exit 4")
    with pytest.raises(FailedError) as caught:
        ending.realiser().run_job()
    assert "exit status 4" in caught.value.message and "hidden-value" not in caught.value.message
    if os.geteuid() == 0:
        assert " nobody one" in runs(ending)[0]


def test_a_cronjob_runs_when_its_time_comes_and_shows_what_became_of_it(ending):
    ending.spec |= every(2)
    report = ending.realiser().start()
    assert report.started == ["web-0"]
    ending.until(lambda: len(runs(ending)) >= 2, 10, "two runs")
    first, second = (float(line.split()[1]) for line in runs(ending)[:2])
    assert 1.5 < second - first < 2.5
    found = ending.until(lambda: (found := row(ending))["last_run"] and found, 5, "a result")
    assert (found["last_run"]["outcome"], found["last_run"]["exit_status"]) == ("succeeded", 0)
    assert "last ok 20" in found["detail"]
    assert not ending.realiser(dry=True).start().changed and not ending.realiser().start().changed
    log = (ending.home / "log" / "web-0.log").read_text()
    assert "cdc-cron: run of 20" in log and "not complete" not in log
    ending.realiser(command=["/bin/sh", "-c", "exit 3"]).start()
    ending.until(lambda: "last FAILED (exit status 3)" in row(ending)["detail"], 10, "the failure is seen")


def test_a_change_is_taken_up_without_a_run_and_without_ending_one(ending):
    ending.spec |= every(2, command=shell(f"{NOTE}; sleep 3; echo end >> $1"))
    ending.realiser().start()
    ending.until(lambda: len(runs(ending)) == 1, 10, "a run")
    pid = ending.pids()["web-0"]
    changed = ending.realiser(files={"text": "two"}).start()
    assert changed.changed and not changed.restarted and ending.pids()["web-0"] == pid
    ending.until(lambda: any(line.endswith(" two") for line in runs(ending)), 10, "the new definition runs")
    assert runs(ending)[1] == "end", "the run in progress came to its end"
    ending.realiser(schedule="0 0 0 1 1 *", files={"text": "three"}).start()
    ending.until(lambda: runs(ending)[-1] == "end", 10, "the last run ends")
    count = len(runs(ending))
    time.sleep(3)
    assert len(runs(ending)) == count and row(ending)["next_run"].endswith("-01-01T00:00:00Z")


def test_never_two_runs_at_once_even_when_the_scheduler_is_killed(ending):
    ending.spec |= every(
        1, command=shell(f"{NOTE}; trap 'kill $!; sleep 2; echo end >> $1; exit' TERM; sleep 60 & wait")
    )
    ending.realiser().start()
    ending.until(lambda: len(runs(ending)) == 1, 10, "a run")
    time.sleep(2)
    assert len(runs(ending)) == 1
    os.kill(ending.pids()["web-0"], signal.SIGKILL)
    ending.until(lambda: len(runs(ending)) == 3, 20, "another run")
    lines = runs(ending)
    assert lines[1] == "end" and lines[2].startswith("start"), "not before the first one had ended"


def test_a_killed_supervisor_comes_back_and_its_runs_with_it(ending):
    ending.spec |= every(2, command=shell(f"{NOTE}; trap 'kill $!; echo end >> $1; exit 1' TERM; sleep 1000 & wait"))
    ending.realiser().start()
    ending.until(lambda: len(runs(ending)) == 1, 10, "a run")
    old = ending.supervisor.pid()
    os.kill(old, signal.SIGKILL)
    ending.until(lambda: ending.supervisor.pid() != old and len(runs(ending)) == 3, 40, "another run")
    assert runs(ending)[1] == "end" and row(ending)["last_run"]["outcome"] == "stopped"


def test_a_stop_ends_the_run_and_what_was_missed_runs_once(ending):
    ending.spec |= every(1, command=shell(f'{NOTE}; trap "echo stopped >> $1; exit 1" TERM; sleep 1000 & wait'))
    ending.realiser().start()
    ending.until(lambda: len(runs(ending)) == 1, 10, "a run")
    ending.host().stop()
    assert runs(ending)[1:] == ["stopped"] and not alive(str(ending.home))
    time.sleep(3)
    assert len(runs(ending)) == 2 and row(ending)["last_run"]["outcome"] == "stopped"
    ending.realiser(command=shell(NOTE), dry=True).start()
    ending.host().start()
    ending.until(lambda: len(runs(ending)) == 3, 10, "the missed run")
    time.sleep(2)
    assert len(runs(ending)) == 3, "one run, which continues, for all that were missed"


def test_by_hand_with_a_deadline(ending):
    ending.spec |= every(1, schedule="0 0 0 1 1 *", deadline_seconds=2, command=shell(f"{NOTE}; sleep 1000"))
    ending.realiser().start()
    ending.supervisor.signal("web-0", "USR1")
    ending.until(lambda: len(runs(ending)) == 1, 5, "a run by hand")
    ending.until(lambda: "last DEADLINE EXCEEDED (exit status 143)" in row(ending)["detail"], 10, "its end")


def test_a_removed_cronjob_leaves_nothing_that_runs(ending):
    ending.spec |= every(1, command=shell(f"{NOTE}; sleep 1000"))
    ending.realiser().start()
    ending.until(lambda: len(runs(ending)) == 1, 10, "a run")
    ending.remover().remove(purge_data=True)
    assert not alive(str(ending.home / "supervisor" / "replicas" / "web-0.json")) and not ending.pids()
    assert not list((ending.home / "supervisor" / "replicas").glob("web-0*"))


def test_a_real_minute(lab):
    """The whole way with a schedule as users write it."""
    lab.spec = {"name": "web", **every(1), "schedule": "* * * * *", "command": shell(NOTE), "files": {"text": "one"}}
    lab.realiser().start()
    assert not runs(lab)
    lab.until(lambda: runs(lab), 65, "a run within the next minute")
    assert float(runs(lab)[0].split()[1]) % 60 < 3
