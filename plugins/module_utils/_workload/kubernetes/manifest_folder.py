# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A folder of rendered manifests: what differs from what it has to hold, and the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..._disk import Difference, Disk, Folder, Target
from ..._errors import FailedError, RefusedError
from .rendering import HEADER, Rendered


@dataclass
class ManifestFolder:
    """The folder at ``path``. Files that do not begin with the renderer's header are somebody else's."""

    path: Path
    disk: Disk

    def differences(self, files: Mapping[str, Rendered]) -> list[Difference]:
        """What has to change so that of this renderer's files exactly ``files`` lie there.

        Raises:
            RefusedError: a file of somebody else is in the way.
            FailedError: the folder cannot be read.
        """
        try:
            own, others = self._sorted()
        except OSError as error:
            raise FailedError(
                f"Cannot read {error.filename or self.path}",
                why=error.strerror or str(error),
                remedy="choose another render_folder, or make it readable",
            ) from error
        blocked = sorted(str(path) for path in others & {self.path / name for name in files})
        if blocked:
            raise RefusedError(
                "Files that were not rendered are in the way",
                where=", ".join(blocked),
                why="they do not begin with the renderer's header line",
                remedy="move them away, or choose another render_folder; nothing has been changed",
            )
        found = [self.disk.differs(self._target(name, item)) for name, item in files.items()]
        stale = sorted(own - {self.path / name for name in files})
        gone = [Difference(path, path.read_text(encoding="utf-8"), None, secret=_holds_secrets(path)) for path in stale]
        return [item for item in found if item is not None] + gone

    def change(self, differences: list[Difference], files: Mapping[str, Rendered]) -> None:
        """Makes the ``differences`` go away."""
        targets = {self.path / name: self._target(name, item) for name, item in files.items()}
        for folder in [self.path, *sorted({path.parent for path in targets} - {self.path})]:
            if not folder.is_dir():
                self.disk.make_folder(Folder(folder, 0o755, None, None))
        for item in differences:
            if item.after is None:
                self.disk.remove(item.path)
                self._leave_no_empty_folder(item.path.parent)
            else:
                self.disk.write(targets[item.path])

    def _target(self, name: str, item: Rendered) -> Target:
        path = self.path / name
        return Target(path, item.text, 0o600 if item.secret else 0o644, secret=_holds_secrets(path))

    def _sorted(self) -> tuple[set[Path], set[Path]]:
        """Files of the folder and of the folders in it: the renderer's own, and others."""
        own, others = set(), set()
        for path in [*self.path.glob("*.yaml"), *self.path.glob("*/*.yaml")]:
            is_own = path.is_file() and not path.is_symlink() and _first_line(path) == HEADER
            (own if is_own else others).add(path)
        return own, others

    def _leave_no_empty_folder(self, folder: Path) -> None:
        if folder != self.path and not any(folder.iterdir()):
            folder.rmdir()


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline(len(HEADER) + 1)


def _holds_secrets(path: Path) -> bool:
    """Whether its contents are not to be shown: where placeholders lie now, secrets may have lain before."""
    return path.name.startswith("secret-")
