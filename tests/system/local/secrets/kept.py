# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of an instance that are meant to hold secrets, with who owns them and who may read them."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

SERVICES = "cdc"


@dataclass(frozen=True)
class Kept:
    """Files by a pattern of their path below the home, in which * also stands for slashes."""

    pattern: str
    owner: str
    mode: int


KEPT = (
    Kept("credentials/*", "root", 0o600),
    Kept("certificates/*.key", "root", 0o600),
    # The first copy of each is what a process reads.
    Kept("*-[0-9]/secrets/*", SERVICES, 0o400),
    # Of people, whom servers know by these.
    Kept("people/*", SERVICES, 0o400),
    # For tools that look at the instance.
    Kept("endpoints.json", "root", 0o600),
    Kept("verify-plan.json", "root", 0o600),
    Kept("check-plan.json", "root", 0o600),
    Kept("load-test/plan.json", "root", 0o600),
)


def meant_for(path: Path, home: Path) -> Kept | None:
    """What says that the file may hold secrets; None where nothing does."""
    if not path.is_relative_to(home):
        return None
    name = str(path.relative_to(home))
    return next((each for each in KEPT if fnmatch(name, each.pattern)), None)


def wrong_modes(paths: Iterable[Path], home: Path) -> dict[str, str]:
    """Those whose owner or mode is another one, with what it is."""
    found = {}
    for path in paths:
        if kept := meant_for(path, home):
            information = path.stat()
            now = (path.owner(), stat.S_IMODE(information.st_mode))
            if now != (kept.owner, kept.mode):
                found[str(path)] = f"{now[0]} {now[1]:04o}, not {kept.owner} {kept.mode:04o}"
    return found
