# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files and folders on the host: what is there, what differs, and the change, atomic and durable."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ._contents import Content, as_bytes, described
from ._errors import FailedError, InvalidError

_TEMPORARY = ".cdc-"


@dataclass(frozen=True)
class Target:
    """A file that has to be there.

    Attributes:
        owner: user and group; None is root. Ignored where this does not run as root.
        restarts: whether the process reads it, so that a change of it needs a restart.
    """

    path: Path
    content: Content
    mode: int
    owner: str | None = None
    group: str | None = None
    secret: bool = False
    restarts: bool = False


@dataclass(frozen=True)
class Folder:
    """A folder that has to be there; ``mode`` is kept only where it is the tool's own folder (``owned``)."""

    path: Path
    mode: int
    owner: str | None
    group: str | None
    owned: bool = True


@dataclass(frozen=True)
class Difference:
    """How a file differs from what it has to be.

    Attributes:
        before: what it holds, for people; None where it is absent.
        after: what it has to hold; None where it has to go.
    """

    path: Path
    before: str | None
    after: str | None
    secret: bool = False
    restarts: bool = False
    attributes: tuple[str, str] | None = None

    def shown(self) -> dict[str, str]:
        """The difference as Ansible's diff; of a secret only that it differs."""
        before, after = self.before or "", self.after or ""
        if self.secret:
            before = "<secret>\n" if self.before is not None else ""
            after = "<another secret>\n" if self.before is not None and self.after is not None else "<secret>\n"
            after = "" if self.after is None else after
        if self.attributes:
            before, after = (f"{text}\n" for text in self.attributes)
        return {
            "before_header": str(self.path) if self.before is not None else f"{self.path} (absent)",
            "after_header": str(self.path) if self.after is not None else f"{self.path} (absent)",
            "before": before,
            "after": after,
        }


@dataclass
class Disk:
    """The host's file system as this user may change it. Owners are only set by root."""

    root: bool = field(default_factory=lambda: os.geteuid() == 0)

    def differs(self, target: Target) -> Difference | None:
        """How the file of ``target`` differs; None when it is as it has to be."""
        ought_to_hold = _shown(target.content)
        try:
            information = target.path.lstat()
        except FileNotFoundError:
            return Difference(target.path, None, ought_to_hold, target.secret, target.restarts)
        if not stat.S_ISREG(information.st_mode):
            return Difference(target.path, "<not a plain file>\n", ought_to_hold, target.secret, target.restarts)
        content = target.path.read_bytes()
        found = _shown(content if isinstance(target.content, bytes) else _text_or_bytes(content))
        if content != as_bytes(target.content):
            return Difference(target.path, found, ought_to_hold, target.secret, target.restarts)
        is_now = _attributes(information)
        ought = self._attributes_of(target.mode, target.owner, target.group, information)
        if is_now != ought:
            return Difference(target.path, found, target.content, target.secret, False, (is_now, ought))
        return None

    def write(self, target: Target) -> None:
        """Replaces the file of ``target`` in one step, so that nobody ever reads half of it.

        Raises:
            FailedError: the disk is full, or the path is not writable.
        """
        with _explained(target.path):
            self._parents(target)
            if target.path.is_dir() and not target.path.is_symlink():
                raise FailedError(f"{target.path} is a folder, but has to be a file", remedy="move it away")
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=target.path.parent)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as stream:
                    os.fchmod(stream.fileno(), target.mode)
                    if self.root:
                        os.fchown(stream.fileno(), *_ids(target.owner, target.group))
                    stream.write(as_bytes(target.content))
                    stream.flush()
                    os.fsync(stream.fileno())
                temporary.replace(target.path)
            finally:
                temporary.unlink(missing_ok=True)

    def _parents(self, target: Target) -> None:
        missing = []
        folder = target.path.parent
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for item in reversed(missing):
            item.mkdir(mode=0o750)
            item.chmod(0o750)
            if self.root:
                os.chown(item, *_ids(None, target.group))

    def remove(self, path: Path) -> None:
        """Removes a file; one that is already gone is fine."""
        with _explained(path):
            path.unlink(missing_ok=True)

    def link(self, path: Path, to: Path) -> None:
        """Makes a symbolic link where nothing is.

        Raises:
            FailedError: the path is not writable.
        """
        with _explained(path):
            path.symlink_to(to)

    def folder_differs(self, folder: Folder) -> Difference | None:
        """How a folder differs in mode and owner; a folder that the program owns only has to be there."""
        try:
            information = folder.path.lstat()
        except FileNotFoundError:
            return Difference(folder.path, None, "<folder>\n")
        if not stat.S_ISDIR(information.st_mode):
            return Difference(folder.path, "<not a folder>\n", "<folder>\n")
        if not folder.owned:
            return None
        is_now = _attributes(information)
        ought = self._attributes_of(folder.mode, folder.owner, folder.group, information)
        return Difference(folder.path, "", "", attributes=(is_now, ought)) if is_now != ought else None

    def make_folder(self, folder: Folder) -> None:
        """Makes a folder, or fixes its mode and owner.

        Raises:
            FailedError: something else is in its place, or the path is not writable.
        """
        with _explained(folder.path):
            if folder.path.is_symlink() or (folder.path.exists() and not folder.path.is_dir()):
                raise FailedError(f"{folder.path} must be a folder", remedy="move the file away and run again")
            # Whatever the caller's umask: the services' user has to get through to its own folders.
            for above in reversed([path for path in folder.path.parents if not path.exists()]):
                above.mkdir()
                above.chmod(0o755)
            if folder.path.exists():
                self._own(folder.path, folder)
                return
            # A folder that is not the tool's own keeps its owner, so an interruption may not leave one that is root's.
            fresh = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder.path.parent))
            try:
                self._own(fresh, folder)
                fresh.rename(folder.path)
            except BaseException:
                fresh.rmdir()
                raise

    def _own(self, path: Path, folder: Folder) -> None:
        path.chmod(folder.mode)
        if self.root:
            os.chown(path, *_ids(folder.owner, folder.group))

    def strangers(self, folder: Path, wanted: set[Path]) -> list[Path]:
        """Files below ``folder`` that are not wanted there."""
        if not folder.is_dir():
            return []
        found = [Path(base) / name for base, _folders, names in os.walk(folder) for name in names]
        return sorted(path for path in found if path not in wanted)

    def _attributes_of(self, mode: int, owner: str | None, group: str | None, now: os.stat_result) -> str:
        uid, gid = _ids(owner, group) if self.root else (now.st_uid, now.st_gid)
        return f"mode={mode:04o} uid={uid} gid={gid}"


def _text_or_bytes(content: bytes) -> Content:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _shown(content: Content) -> str:
    return described(content) if isinstance(content, bytes) else content


def _attributes(information: os.stat_result) -> str:
    return f"mode={stat.S_IMODE(information.st_mode):04o} uid={information.st_uid} gid={information.st_gid}"


def _ids(owner: str | None, group: str | None) -> tuple[int, int]:
    """User and group id. ``group`` may be a user's name: its primary group is meant then."""
    try:
        uid = pwd.getpwnam(owner).pw_uid if owner else 0
        if not group:
            return uid, 0
        try:
            return uid, pwd.getpwnam(group).pw_gid
        except KeyError:
            return uid, grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise InvalidError(
            f"There is no user {owner or group} on this host",
            why=str(error),
            remedy="run the role services first: it creates the user that processes run as (cdc_user)",
        ) from error


class _explained:
    """Turns the errors of a full or read-only disk into ones with a remedy."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        remedies = {
            errno.ENOSPC: f"free space on its file system (df -h {self.path.parent}), then run again",
            errno.EDQUOT: f"raise the quota of its file system (df -h {self.path.parent}), then run again",
            errno.EROFS: "its file system is read-only: choose another cdc_home, or mount it writable",
            errno.EACCES: "run with become: true, or choose a cdc_home that is yours",
            errno.EPERM: "run with become: true, or choose a cdc_home that is yours",
        }
        remedy = remedies.get(error.errno or 0, "")
        raise FailedError(f"Cannot write {self.path}", why=error.strerror or str(error), remedy=remedy) from error
