# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes this checkout importable as `ansible_collections.cdc.pipeline`, whatever folder it lies in."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def collections_path(folder: Path | None = None) -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH in which the collection is a link to this checkout."""
    if folder is None:
        home = Path(tempfile.mkdtemp(prefix="cdc-collections-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
    else:
        home = folder
    namespace = home / "ansible_collections" / "cdc"
    namespace.mkdir(parents=True)
    (namespace / "pipeline").symlink_to(ROOT, target_is_directory=True)
    return home


def make_importable() -> None:
    """Install Ansible's own loader for collections, once."""
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    for name in [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]:
        del sys.modules[name]
    _AnsibleCollectionFinder(paths=[str(collections_path())])._install()
