# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Stops or removes a workload of this host, of which only the name is known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..._disk import Difference, Disk
from ..report import Report
from .decide import replicas_of, surplus
from .layout import Instance
from .supervisor import Supervisor


@dataclass
class Remover:
    """Stops a workload, or removes it, by its name alone."""

    name: str
    instance: Instance
    grace: float
    dry: bool

    def stop(self) -> Report:
        """Stops every replica that runs; it stays stopped until the workload or the supervisor is started again."""
        supervisor = Supervisor(self.instance.socket)
        if not supervisor.answers():
            return Report()
        processes = supervisor.processes()
        alive = [name for name in replicas_of(self.name, processes) if processes[name].alive]
        if alive and not self.dry:
            supervisor.stop(alive, self.grace)
        return Report(changed=bool(alive), stopped=alive)

    def remove(self, purge_data: bool) -> Report:
        """Stops and forgets every replica; data and logs stay unless ``purge_data``."""
        disk, supervisor = Disk(), Supervisor(self.instance.socket)
        answers = supervisor.answers()
        loaded = replicas_of(self.name, supervisor.processes()) if answers else []
        report = Report(removed=loaded)
        programs = self.instance.programs(self.name)
        files = [programs] if programs.exists() else []
        folders: list[Path] = []
        for name in surplus(self.name, _names(self.instance.home), ()):
            kinds = [self.instance.replica(name)]
            if not purge_data:
                kinds = [self.instance.folder(name, kind) for kind in ("config", "secrets", "tmp")]
            folders += [path for path in kinds if path.exists()]
        control = self.instance.control / "replicas"
        # Without its data a replica has not lived; with them its init steps must not run again.
        endings: Callable[[str], bool] = (
            (lambda file: True)
            if purge_data
            else (lambda file: file.endswith((".json", ".applied", ".in_common", ".lock", ".runs")))
        )
        for file in _names(control):
            if surplus(self.name, [file.split(".")[0]], ()) and endings(file):
                files.append(control / file)
        report.differences = [Difference(path, "<present>\n", None) for path in [*files, *folders]]
        report.changed = bool(report.removed or report.differences)
        if self.dry:
            return report
        if loaded:
            supervisor.stop(loaded, self.grace)
        disk.remove(programs)
        if answers:
            supervisor.reread()
            for name in loaded:
                supervisor.remove(name)
        for path in files:
            disk.remove(path)
        for path in folders:
            shutil.rmtree(path)
        return report


def _names(folder: Path) -> list[str]:
    try:
        return [item.name for item in folder.iterdir()]
    except OSError:
        return []
