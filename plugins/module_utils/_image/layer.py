# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes an artifact's files as a layer, under the path that they have in an image."""

from __future__ import annotations

import fnmatch
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from .._errors import FailedError
from .catalogue import ARTIFACTS, Layer

# Files that know where they lie: a script's first line, and a virtual environment's settings.
_SMALL = 64 * 1024


# A virtual environment's interpreter is Debian's, at the same place in the image.
_PYTHON = {"bookworm": "3.11", "trixie": "3.13"}


def check_python(layer: Layer, suite: str) -> None:
    """Make sure that the virtual environment of ``layer``, if it is one, works in an image of ``suite``.

    :raises FailedError: it was made with another Python.
    """
    settings = layer.source / "pyvenv.cfg" if layer.source else None
    if layer.include or layer.folder or settings is None or not settings.is_file():
        return
    pairs = (line.partition("=") for line in settings.read_text().splitlines())
    found = {key.strip(): value.strip() for key, _equals, value in pairs}
    version = ".".join(found.get("version", "").split(".")[:2])
    if found.get("home") != "/usr/bin" or version != _PYTHON.get(suite, version):
        raise FailedError(
            f"The virtual environment of the layer {layer.name} does not fit Debian {suite}",
            where=str(settings),
            why=f"made with Python {version} in {found.get('home')}; images have {_PYTHON.get(suite)}, in /usr/bin",
            remedy="Let artifacts_python be the /usr/bin/python3 of that release; artifacts are built again then.",
        )


def write_layer(layer: Layer, artifacts: Mapping[str, str], out: BinaryIO) -> None:
    """Write the tar archive of ``layer`` to ``out``.

    Everything belongs to root and keeps its mode, and its time, which compiled Python modules are compared with.
    Paths of the artifacts in scripts become those in the image.

    :param artifacts: folder of each artifact by its name.
    :raises FailedError: nothing matches the layer's patterns.
    """
    moved = {str(path).encode(): f"{ARTIFACTS}/{name}".encode() for name, path in artifacts.items()}
    root = _root(layer)
    files = list(_selected(root, layer))
    if not any(path.is_file() for path in files):
        raise FailedError(
            f"The layer {layer.name} would be empty",
            where=str(root),
            why=f"include {list(layer.include) or ['*']}, exclude {list(layer.exclude)}",
            remedy="Correct the patterns in images_layers: the artifact's files may have other names in its version.",
        )
    to = PurePosixPath(layer.to)
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for folder in [*reversed(to.parents), to]:
            if folder != PurePosixPath("/"):
                tar.addfile(_folder(str(folder)))
        for path in files:
            _add(tar, path, str(to / path.relative_to(root).as_posix()).lstrip("/"), moved)


def _root(layer: Layer) -> Path:
    if layer.source is None:
        raise ValueError(f"the layer {layer.name} is of packages and has no folder")
    if not layer.folder:
        return layer.source
    found = sorted(layer.source.glob(layer.folder))
    if len(found) != 1:
        raise FailedError(
            f"The layer {layer.name} needs one folder {layer.folder}, and there are {len(found)}",
            where=str(layer.source),
            remedy="Correct its folder in images_layers.",
        )
    return found[0]


def _selected(root: Path, layer: Layer) -> Iterator[Path]:
    """The files and links that the patterns choose, and folders above them; sorted, so folders come first."""
    kept: set[Path] = set()
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        wanted = not layer.include or matches(name, layer.include)
        if wanted and not matches(name, layer.exclude) and (path.is_symlink() or not path.is_dir()):
            kept.add(path)
            kept.update(parent for parent in path.parents if parent.is_relative_to(root) and parent != root)
    return iter(sorted(kept))


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """A pattern covers the files that it matches, and all that lies below a folder that it matches."""
    return any(fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}/*") for pattern in patterns)


def _folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name.lstrip("/"))
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def _add(tar: tarfile.TarFile, path: Path, name: str, moved: Mapping[bytes, bytes]) -> None:
    info = tar.gettarinfo(str(path), name)
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    if not info.isreg():
        tar.addfile(info)
        return
    if info.size <= _SMALL:
        content = _rewritten(path, moved)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        return
    with open(path, "rb") as file:
        tar.addfile(info, file)


def _rewritten(path: Path, moved: Mapping[bytes, bytes]) -> bytes:
    content = path.read_bytes()
    if content[:2] == b"#!" or path.name == "pyvenv.cfg":
        for old, new in moved.items():
            content = content.replace(old, new)
    return content
