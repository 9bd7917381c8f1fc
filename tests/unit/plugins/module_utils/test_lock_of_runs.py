# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import RefusedError
from ansible_collections.cdc.pipeline.plugins.module_utils._run_lock import Run, find_run, take


def stat(pid, parent, start, state="S"):
    fields = [state, str(parent)] + ["0"] * 17 + [str(start)]
    return f"{pid} (a (weird) name) {' '.join(fields)} 0 0"


@pytest.fixture
def proc(tmp_path):
    """A /proc with a shell, an outer and an inner ansible-playbook, and a module."""
    for pid, parent, words in (
        (2, 1, ["bash"]),
        (3, 2, ["/usr/bin/python3", "/usr/bin/ansible-playbook", "site.yml"]),
        (4, 3, ["python3", "/x/ansible-playbook", "inner.yml"]),
        (5, 4, ["python3", "module.py"]),
    ):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(stat(pid, parent, 100 + pid))
        (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
    return tmp_path


def test_finds_the_outermost_run(proc):
    assert find_run(5, proc) == Run(3, 103, "/usr/bin/python3 /usr/bin/ansible-playbook site.yml")
    assert find_run(2, proc) is None


def test_the_lock_keeps_a_second_run_out(proc, tmp_path):
    path = tmp_path / "locks" / "run.lock"
    first, second = Run(3, 103, "first"), Run(4, 104, "second")
    take(path, first, "x", dry=True, proc=proc)
    assert not path.exists()
    take(path, first, "x", proc=proc)
    take(path, first, "x", proc=proc)
    for dry in (True, False):
        with pytest.raises(RefusedError) as caught:
            take(path, second, "the instance x", dry=dry, proc=proc)
        assert "Another run uses the instance x" in caught.value.message
        assert "process 3 since 2" in caught.value.message and ": first" in caught.value.message
    # The first has ended; another process may have got its id.
    (proc / "3" / "stat").write_text(stat(3, 2, 999))
    take(path, second, "x", proc=proc)
    assert json.loads(path.read_text())["pid"] == 4


def test_a_damaged_lock_is_taken_over(proc, tmp_path):
    path = tmp_path / "run.lock"
    path.write_text("{half")
    take(path, Run(4, 104, "x"), "x", proc=proc)
    assert json.loads(path.read_text())["pid"] == 4
