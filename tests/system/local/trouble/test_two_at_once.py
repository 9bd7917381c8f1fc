# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A second run beside a first one says so and stops."""

from __future__ import annotations

import os
import signal

from site_runs import Site
from waiting import while_it_runs


def test_the_second_run_says_so_and_stops(running: Site):
    # It has the lock from its preflight to its end, whatever it does between them.
    first = running.start("--tags", "object_store")
    try:
        lock = running.home / "run.lock"
        while_it_runs(
            first, lambda: lock.exists() and str(first.pid) in lock.read_text(), 60, "the first run takes the lock"
        )
        # It must not end before the others have begun.
        os.killpg(first.pid, signal.SIGSTOP)
        second = running.run()
        second.must_fail_with("run", str(first.pid))
        assert second.changed == 0
        for name in ("stop", "start", "destroy"):
            refused = running.run(playbook=f"playbooks/{name}.yml")
            refused.must_fail_with("Another run uses", str(first.pid))
            assert refused.changed == 0
        os.killpg(first.pid, signal.SIGCONT)
        output, _errors = first.communicate(timeout=600)
        assert first.returncode == 0, output[-3000:]
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    # Nothing is left that would keep a third one out.
    running.run("--tags", "preflight").must_succeed()
