# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small files and links are as stated, what is another's stays, and check mode tells what would change."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def run(run_module, tmp_path, monkeypatch):
    disk = importlib.import_module("ansible_collections.cdc.pipeline.plugins.module_utils._disk")
    module = importlib.import_module("ansible_collections.cdc.pipeline.plugins.modules.host_files")
    monkeypatch.setattr(module, "Disk", lambda: disk.Disk(root=False))

    def call(*files, check=False, **options):
        return run_module("host_files", check=check, folder=str(tmp_path / "home"), files=list(files), **options)

    return call


def seen(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def test_files_and_links_come_change_and_go(run, tmp_path):
    link = str(tmp_path / "cdc")
    files = [{"name": "note"}, {"name": "bin/cdc", "content": "run\n", "mode": "0755", "link": link}]
    dry = run(*files, check=True)
    assert dry["changed"] and dry["links"] == [link] and seen(tmp_path) == {}
    real = run(*files)
    assert real["diff"] == dry["diff"] and real["links"] == [link]
    assert [item["after"] for item in real["diff"]] == ["", "run\n", f"-> {tmp_path}/home/bin/cdc\n"]
    assert seen(tmp_path) == {"cdc": f"-> {tmp_path}/home/bin/cdc", "home/bin/cdc": "run\n", "home/note": ""}
    assert (tmp_path / "home/bin/cdc").stat().st_mode & 0o777 == 0o755
    assert not run(*files)["changed"]

    (tmp_path / "home/bin/cdc").chmod(0o700)
    (tmp_path / "home/other").write_text("of somebody else\n")
    assert run(*files, check=True)["changed"] and run(*files)["changed"] and not run(*files)["changed"]

    dry = run(*files, state="absent", check=True)
    assert dry["changed"] and (tmp_path / "home/bin/cdc").exists()
    assert run(*files, state="absent")["diff"] == dry["diff"]
    assert seen(tmp_path) == {"home/other": "of somebody else\n"} and not (tmp_path / "home/bin").exists()
    assert not run(*files, state="absent")["changed"]


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_what_is_anothers_is_no_link_of_ours(run, tmp_path, kind):
    link = tmp_path / "cdc"
    if kind == "file":
        link.write_text("mine\n")
    elif kind == "folder":
        link.mkdir()
    else:
        link.symlink_to("/etc/hostname" if kind == "link" else "/nowhere")
    before = link.lstat()
    for state in ("present", "absent"):
        assert run({"name": "bin/cdc", "link": str(link)}, state=state)["links"] == []
        assert (link.lstat().st_ino, link.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_exact_folder_holds_nothing_else(run, tmp_path):
    run({"name": "a.pem", "content": "a"}, {"name": "b.pem", "content": "b"}, exact=True)
    assert seen(tmp_path) == {"home/a.pem": "a", "home/b.pem": "b"}
    dry = run({"name": "a.pem", "content": "a"}, exact=True, check=True)
    assert [(item["before"], item["after"]) for item in dry["diff"]] == [("b", "")]
    assert run({"name": "a.pem", "content": "a"}, exact=True)["changed"] and seen(tmp_path) == {"home/a.pem": "a"}
    assert run(exact=True, check=True)["changed"] and run(exact=True)["changed"]
    assert not (tmp_path / "home").exists() and not run(exact=True)["changed"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"name": "../x"}, "is not below"),
        ({"name": "/etc/x"}, "is not below"),
        ({"name": "."}, "is not below"),
        ({"name": "x", "mode": "u+x"}, "is not a valid file mode"),
    ],
)
def test_senseless_requests_change_nothing(run, tmp_path, file, message):
    with pytest.raises(Exception, match=message):
        run({"name": "fine"}, file)
    assert seen(tmp_path) == {}
