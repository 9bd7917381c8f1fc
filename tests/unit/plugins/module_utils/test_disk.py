# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Disk, Folder, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError


def test_files_are_replaced_whole_and_mended(tmp_path):
    disk = Disk(root=False)
    target = Target(tmp_path / "a" / "f", "one\n", 0o640)
    assert disk.differs(target).before is None
    disk.write(target)
    assert disk.differs(target) is None and (tmp_path / "a" / "f").stat().st_mode & 0o777 == 0o640
    (tmp_path / "a" / "f").chmod(0o666)
    assert "mode=0666" in disk.differs(target).shown()["before"]
    disk.write(target)
    assert disk.differs(target) is None
    assert disk.differs(Target(tmp_path / "a" / "f", "two\n", 0o640)).shown()["after"] == "two\n"
    assert [path.name for path in disk.strangers(tmp_path / "a", {target.path})] == []
    disk.remove(target.path)
    disk.remove(target.path)


def test_folders_can_be_reached_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        Disk(root=False).make_folder(Folder(tmp_path / "a" / "b", 0o750, None, None))
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o750


def test_a_folder_is_there_with_its_owner_or_not_at_all(tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "chown", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Disk(root=True).make_folder(Folder(tmp_path / "data", 0o750, None, None, owned=False))
    assert not list(tmp_path.iterdir())


def test_something_in_the_way_is_named(tmp_path):
    disk = Disk(root=False)
    (tmp_path / "f").write_text("")
    with pytest.raises(FailedError, match="must be a folder"):
        disk.make_folder(Folder(tmp_path / "f", 0o750, None, None))
    (tmp_path / "d").mkdir()
    with pytest.raises(FailedError, match="is a folder, but has to be a file"):
        disk.write(Target(tmp_path / "d", "", 0o600))


def test_a_full_disk_is_named():
    with pytest.raises(FailedError) as caught:
        Disk(root=False).write(Target(Path("/dev/full/x"), "", 0o600))
    assert "Cannot write" in caught.value.message
