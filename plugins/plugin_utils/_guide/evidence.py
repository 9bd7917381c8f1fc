# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the components of an instance left behind, read with the rights that the run had.

A run becomes root where it needs to, and so does this: what its caller may not read, this file reads as a program of
its own under sudo.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...module_utils._workload.diagnosis import Masker
from .host_evidence import gather_host, stored_secrets

_ROOT = Path(__file__).resolve().parents[3]
_MOST_SECONDS = 60


@dataclass(frozen=True)
class Target:
    """What is looked at.

    :param instance: its name.
    :param home: its folder.
    :param component: the workload concerned; "" for all.
    :param kubeconfig: leads to its cluster; "" where it runs on a host.
    """

    instance: str
    home: str
    component: str = ""
    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


@dataclass
class Evidence:
    """What was found, without secrets.

    :param files: contents by name.
    :param lines: what tells most, for people.
    :param problems: what could not be read, and why.
    """

    files: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def look(target: Target, files: Mapping[str, str], secrets: Iterable[str]) -> Evidence:
    """Read all that may be read.

    :param files: of the caller's own, by name, that are masked like the others.
    :param secrets: values that are masked, besides those that the instance keeps.
    """
    if readable(target):
        return gather(target, files, secrets)
    found = _gather_as_root(target, files, secrets)
    if found is None:
        mask = Masker(secrets)
        found = Evidence({name: mask(text) for name, text in files.items()})
        found.problems.append(f"only root may read the rest: {_by_hand(target)}")
    return found


def _by_hand(target: Target) -> str:
    if target.kubeconfig:
        return f"sudo kubectl --kubeconfig {target.kubeconfig} --namespace {target.namespace} get pods"
    return f"sudo sh -c 'tail -n 200 {target.home}/log/{target.component}*.log'"


def readable(target: Target) -> bool:
    """Whether the caller's own rights do; also true where there is nothing yet."""
    if any(not _may_read(Path(path)) for path in target.kubeconfig.split(":") if path):
        return False
    return all(_may_read(Path(target.home, folder)) for folder in ("", "log", "supervisor"))


def _may_read(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK)


def gather(target: Target, files: Mapping[str, str], secrets: Iterable[str]) -> Evidence:
    """Read all that the caller may read; the parameters are those of :func:`look`."""
    home = Path(target.home)
    mask = Masker([*secrets, *stored_secrets(home)])
    if target.kubeconfig:
        # Its library takes long to load, which every run would pay.
        from .pod_evidence import gather_pods

        found = gather_pods(target.kubeconfig, target.context, target.namespace, target.component)
    else:
        found = gather_host(target.instance, home, target.component)
    read, lines, problems = found
    masked = {name: mask(text) for name, text in {**files, **read}.items()}
    return Evidence(masked, [mask(line) for line in lines], [mask(problem) for problem in problems])


def _gather_as_root(target: Target, files: Mapping[str, str], secrets: Iterable[str]) -> Evidence | None:
    """What sudo lets it read without asking for a password; None where it does not."""
    if not shutil.which("sudo"):
        return None
    # Root leaves no byte code behind in a checkout that is somebody else's.
    command = ["sudo", "-n", sys.executable, "-B", "-m", "plugins.plugin_utils._guide.evidence"]
    question = json.dumps({"target": asdict(target), "files": dict(files), "secrets": list(secrets)})
    try:
        done = subprocess.run(
            command, cwd=_ROOT, input=question, capture_output=True, text=True, timeout=_MOST_SECONDS, check=True
        )
        return Evidence(**json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(asdict(gather(Target(**asked["target"]), asked["files"], asked["secrets"])), sys.stdout)
