# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module run_lock. How a lock is taken: test_helpers.py of module_utils/_workload."""

from __future__ import annotations

import importlib
import os

import pytest


@pytest.fixture
def lock(monkeypatch):
    """Makes the module believe that it is part of a given run."""
    code = importlib.import_module("ansible_collections.cdc.pipeline.plugins.module_utils._run_lock")
    module = importlib.import_module("ansible_collections.cdc.pipeline.plugins.modules.run_lock")

    def as_run(pid):
        found = None
        if pid:
            parent_and_start = code._status(pid, code._PROC)
            found = code.Run(pid, parent_and_start[1], f"run {pid}")
        monkeypatch.setattr(module, "find_run", lambda: found)

    return as_run


def test_takes_the_lock_and_keeps_others_out(run_module, lock, tmp_path):
    path = str(tmp_path / "run.lock")
    lock(os.getpid())
    assert run_module("run_lock", check=True, path=path)["changed"] is False
    assert not (tmp_path / "run.lock").exists()
    assert run_module("run_lock", path=path)["owner"]["pid"] == os.getpid()
    assert run_module("run_lock", path=path)["changed"] is False
    lock(os.getppid())
    with pytest.raises(Exception, match="Another run uses this pipeline"):
        run_module("run_lock", path=path)


def test_where_there_is_nothing_nothing_is_locked_if_so_wanted(run_module, lock, tmp_path):
    lock(os.getpid())
    path = tmp_path / "none/run.lock"
    assert run_module("run_lock", path=str(path), make_folder=False)["owner"] == {}
    assert not path.parent.exists()
    assert run_module("run_lock", path=str(path))["owner"]["pid"] == os.getpid()
    lock(os.getppid())
    with pytest.raises(Exception, match="Another run uses"):
        run_module("run_lock", path=str(path), make_folder=False)


def test_without_a_run_it_warns(run_module, lock, tmp_path):
    lock(None)
    result = run_module("run_lock", path=str(tmp_path / "run.lock"))
    assert result["owner"] == {} and "a second run is not kept out" in result["stdout"]
