# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the processes of an instance on a host left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...module_utils._errors import PipelineError
from ...module_utils._workload.diagnosis import last_lines, tail
from ...module_utils._workload.local.layout import Instance
from ...module_utils._workload.local.supervisor import Supervisor

_LINES = 200
_LARGEST_SECRET = 64 * 1024
# How files with a process's memory begin: cores and Java's heaps. They hold secrets in forms that are not masked.
_DUMPS = (b"\x7fELF", b"JAVA PROFILE")


def gather_host(instance: str, home: Path, component: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The supervisor's state and the ends of the logs.

    :param component: the workload whose logs are taken; "" for all.
    :returns: files by name, nothing that tells more than they do, and what could not be read.
    """
    files = {"supervisor.txt": _supervisor(Instance(name=instance, home=home))}
    problems = []
    for source, name in _logs(home, component):
        try:
            files[name] = _end(source)
        except OSError as error:
            problems.append(str(error))
    return files, [], problems


def stored_secrets(home: Path) -> Iterator[str]:
    """The contents of the files in which the instance keeps secrets."""
    try:
        for path in [*home.glob("*/secrets/*"), *home.glob("credentials/*"), home / "endpoints.json"]:
            if path.is_file() and path.stat().st_size <= _LARGEST_SECRET:
                yield path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # whoever may not read them, may not read the logs either
        return


def _supervisor(instance: Instance) -> str:
    try:
        processes = Supervisor(instance.socket).processes().values()
    except PipelineError as error:
        return error.message
    return "\n".join(
        f"{item.name:<24} {item.state:<10} pid {item.pid:<8} up {max(0, item.now - item.started) if item.pid else 0} s "
        f"{item.problem}".rstrip()
        for item in processes
    )


def _logs(home: Path, component: str) -> Iterator[tuple[Path, str]]:
    """Each log with the name of its copy: the processes' output, and what they write themselves."""
    if not home.is_dir():
        return
    for path in sorted((home / "log").glob(f"{component}*.log")):
        yield path, path.name
    if component and (home / "log/supervisord.log").exists():
        yield home / "log/supervisord.log", "supervisord.log"
    for path in sorted(home.glob(f"{component or '*'}-*/log/*")):
        if path.is_file() and path.suffix != ".gz" and not _is_dump(path):
            yield path, f"{path.parent.parent.name}-{path.name}"


def _is_dump(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(max(map(len, _DUMPS))).startswith(_DUMPS)


def _end(path: Path) -> str:
    path.stat()  # says why it cannot be read, where tail() gives nothing
    return "\n".join(last_lines(tail(path), _LINES))
