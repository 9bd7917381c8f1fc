# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One class path of several sets of jars: which jars are on it, and in which order. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._errors import InvalidError

CLASS_PATH = "class-path.jar"
"""A jar without classes, whose manifest names the others in their order. `-cp` names it alone, so that the order does
not depend on the file system, and a folder that was copied to another place has the same class path there."""

_JAR = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.+-]*)\.jar")
_PARTS = re.compile(r"[.-]")
# What some projects add to every released version.
_RELEASED = ("final", "ga", "release")
# Of a line of a manifest, with its end, as the specification of jars has it.
_LINE_BYTES = 70


@dataclass(frozen=True)
class Jar:
    """A jar by its file name.

    :param artifact: which set it is from.
    :param name: without version, such as `jackson-core`.
    :param version: empty for a jar of our own, which has none.
    """

    artifact: str
    file: str
    name: str
    version: str


def parse_jar(artifact: str, file: str) -> Jar:
    """Read name and version from a file name as Maven writes it."""
    found = _JAR.fullmatch(file)
    if not found:
        return Jar(artifact, file, file.removesuffix(".jar"), "")
    return Jar(artifact, file, found["name"], found["version"])


def resolve(sets: Mapping[str, Sequence[str]]) -> list[Jar]:
    """Decide what is on the class path: the sets in their order, and the jars of each in the order of their names.

    A library is on it once, at its first place. Where the sets have several versions of it, the newest one is taken,
    since the versions of one major number are compatible upwards.

    :param sets: file names of jars by artifact.
    :raises InvalidError: naming each library whose versions differ in the major number, or cannot be compared.
    """
    chosen: dict[str, Jar] = {}
    problems = []
    for artifact, files in sets.items():
        for jar in (parse_jar(artifact, file) for file in sorted(files) if file != CLASS_PATH):
            other = chosen.setdefault(jar.name, jar)
            if other.version == jar.version:
                continue
            if not comparable(other.version, jar.version):
                problems.append(f"{other.file} of {other.artifact} and {jar.file} of {jar.artifact}")
            elif _numbers(jar.version) > _numbers(other.version):
                chosen[jar.name] = jar
    if problems:
        raise InvalidError(
            f"{len(problems)} libraries have incompatible versions",
            where=", ".join(sets),
            why="; ".join(problems),
            remedy="Use versions of these artifacts that need the same major version, or exclude one of the jars.",
        )
    return list(chosen.values())


def comparable(one: str, other: str) -> bool:
    """Whether two versions are of the same major number, and it is certain which of them is newer."""
    numbers = _numbers(one), _numbers(other)
    return None not in numbers and numbers[0][:1] == numbers[1][:1]


def _numbers(version: str) -> tuple[int, ...] | None:
    """The numbers of a version, without zeros at the end; None for one with a qualifier, such as `2.0-rc1`."""
    parts = [part for part in _PARTS.split(version) if part.lower() not in _RELEASED]
    if not parts or not all(part.isdecimal() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def manifest(files: Sequence[str]) -> bytes:
    """The manifest of `CLASS_PATH`, for files in the folder of that jar.

    :raises InvalidError: a file's name would have to be written in another way.
    """
    strange = [file for file in files if not re.fullmatch(r"[\w.+-]+", file, re.ASCII)]
    if strange:
        raise InvalidError("Jars have names that a class path cannot hold", why=", ".join(strange))
    line = f"Class-Path: {' '.join(files)}"
    # A continuation line begins with a space.
    lines = [
        line[:_LINE_BYTES],
        *(f" {line[at : at + _LINE_BYTES - 1]}" for at in range(_LINE_BYTES, len(line), _LINE_BYTES - 1)),
    ]
    return "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""]).encode()
