# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Debian's packages as a layer: a root file system by mmdebstrap, less what the layer below has already."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .._errors import FailedError
from .catalogue import Debian, Layer
from .layer import matches

SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
# Nobody reads them in a container.
_UNREAD = ("man", "doc", "locale", "info", "lintian")
# This host's mirrors and proxies are nobody's business; devices are the engine's.
_LEFT_OUT = ("etc/apt/", "dev/", "var/cache/", "var/lib/apt/", "var/log/", "tmp/", "run/")


def sources(suite: str, stated: str = "") -> list[str]:
    """The files that tell where this host gets the packages of ``suite`` from; empty for Debian's own mirrors."""
    if stated:
        return [stated]
    return [name for name in SOURCES if Path(name).is_file() and suite in Path(name).read_text()][:1]


def command(packages: Sequence[str], debian: Debian, mirrors: Sequence[str], options: Sequence[str]) -> list[str]:
    """The call of mmdebstrap that writes the root file system to its standard output."""
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNREAD]
    user = ["useradd", "--uid", str(debian.user), "--user-group", "--no-create-home", "--home-dir", "/tmp"]
    return [
        *("mmdebstrap", "--variant=minbase", f"--architectures={debian.architecture}"),
        *(*excluded, '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'),
        *(f"--aptopt={option}" for option in options),
        f"--include={','.join(packages)}",
        # PostgreSQL's package would make a database of its own.
        '--essential-hook=mkdir -p "$1/etc/postgresql-common/createcluster.d"',
        '--essential-hook=echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.d/image.conf"',
        f'--customize-hook=chroot "$1" {" ".join(user)} --shell /usr/sbin/nologin cdc',
        *(debian.suite, "-", *mirrors),
    ]


def apt_options() -> list[str]:
    """This host's apt settings for proxies, certificates and the validity of lists."""
    dump = subprocess.run(["apt-config", "dump", "--no-empty"], capture_output=True, text=True, check=False).stdout
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::Retries")
    return [line.rstrip(";") for line in dump.splitlines() if line.startswith(wanted)]


def write_layer(layer: Layer, debian: Debian, mirror: str, below: Path | None, out: BinaryIO) -> None:
    """Write the tar archive of ``layer`` to ``out``.

    :param mirror: a file of apt sources; empty for this host's own.
    :param below: the archive of the layer that this one stands on.
    :raises FailedError: mmdebstrap failed, with its reasons.
    """
    with tempfile.TemporaryFile() as whole, tempfile.TemporaryFile() as log:
        call = command(layer.packages, debian, sources(debian.suite, mirror), apt_options())
        try:
            done = subprocess.run(call, stdout=whole, stderr=log, stdin=subprocess.DEVNULL, check=False)
        except FileNotFoundError:
            raise FailedError(
                "mmdebstrap, which builds the images' root file system, is missing",
                remedy="Install the Debian package mmdebstrap; the role images does, where it may (become).",
            ) from None
        if done.returncode:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            reasons = [line for line in lines if line.startswith(("E:", "Err:"))] or lines
            raise FailedError(
                f"The layer {layer.name} could not be built: mmdebstrap ended with {done.returncode}",
                where=f"{debian.suite}: {', '.join(layer.packages)}",
                why="\n".join(reasons[-8:]),
                remedy="Check that this host reaches a mirror of that suite (images_debian_sources names one, and "
                "apt's proxy settings hold), then run the same command again.",
            )
        whole.seek(0)
        known = _contents(below) if below else {}
        with tarfile.open(fileobj=whole) as tar, tarfile.open(fileobj=out, mode="w|") as new:
            written: set[str] = set()
            for entry, member in _members(tar, layer.exclude):
                if known.get(member.name) == _identity(tar, entry):
                    continue
                if member.islnk() and member.linkname not in written:  # to a file of the layer below
                    member.type, member.size = tarfile.REGTYPE, tar.getmember(entry.linkname).size
                new.addfile(member, tar.extractfile(entry) if member.isreg() else None)
                written.add(member.name)


def _contents(path: Path) -> dict[str, tuple]:
    with tarfile.open(path) as tar:
        return {member.name: _identity(tar, member) for member in tar}


def _members(tar: tarfile.TarFile, exclude: tuple[str, ...]) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarInfo]]:
    """The entries that an image needs, each as it is and as it is to be named."""
    for entry in tar:
        member = copy.copy(entry)
        member.name = entry.name.removeprefix("./")
        left_out = member.name.startswith(_LEFT_OUT) or matches(member.name, exclude)
        if member.name in ("", ".") or (left_out and not member.isdir()) or member.isdev():
            continue
        if member.islnk():
            member.linkname = entry.linkname.removeprefix("./")
        yield entry, member


def _identity(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple:
    """What makes two entries the same; the time does not."""
    file = tar.extractfile(member) if member.isreg() else None
    digest = hashlib.file_digest(file, "sha256").hexdigest() if file else ""
    return member.type, member.mode, member.uid, member.gid, member.linkname.removeprefix("./"), digest
