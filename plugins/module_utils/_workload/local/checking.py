# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the consumer of a workload's files whether it takes them, before they replace the old ones.

The checks see a replica in a staging instance: the same folders with the new files, and nothing else in them. So they
run beside the replica's process, and no check can touch its data.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from ..._disk import Disk, Folder, Target
from ..._errors import FailedError, InvalidError
from .. import diagnosis
from ..spec.model import Check
from .plan import Plan, ReplicaPlan, plan
from .tools import Tools


class Checker:
    """Runs the checks of a workload. Nothing of it stays on the disk, unless the run is killed."""

    def __init__(
        self, wanted: Plan, disk: Disk, tools: Callable[..., Tools], mask: Callable[[str], str], timeout: float
    ) -> None:
        self.instance = wanted.instance
        self.staging = wanted.instance.staging()
        self.staged = {item.name: item for item in plan(wanted.workload, self.staging).replicas}
        self.disk = disk
        self.tools = tools(self.staging, self.instance.tools)
        self.mask = mask
        self.timeout = timeout

    def clean(self) -> None:
        """Removes what a run that was killed has left; there are secrets in it."""
        if self.staging.home.exists():
            shutil.rmtree(self.staging.home)

    def require(self, names: Iterable[str], only_if_installed: bool) -> None:
        """Runs every check of the named replicas.

        Args:
            only_if_installed: leave out what needs tools or artifacts that are not there yet, as in check mode, in
                which no earlier step has installed them.

        Raises:
            InvalidError: a check fails; it says why in its own words.
            FailedError: a check does not end in time.
        """
        for name in names:
            item = self.staged[name]
            checks = [check for check in item.replica.checks if not only_if_installed or self._is_installed(check)]
            if not checks:
                continue
            try:
                self._write(item)
                for check in checks:
                    self._run(item, check)
            finally:
                self.clean()

    def _is_installed(self, check: Check) -> bool:
        named = [path for path in self.instance.artifacts.values() if any(path in text for text in check.command)]
        program = [path for path in check.command[:1] if path.startswith("/")]
        return all(path.exists() for path in [self.instance.tools / "cdc-run", *map(Path, named + program)])

    def _write(self, item: ReplicaPlan) -> None:
        self.clean()
        for folder in (*item.folders, Folder(self.staging.logs, 0o700, None, None)):
            self.disk.make_folder(folder)
        launch = self.staging.launch(item.name)
        for target in item.targets:
            if target.path != launch:
                self.disk.write(target)
        # The control group is that of the process that runs.
        start = {**item.launch["start"], "memory_bytes": None}
        steps = {check.name: list(check.command) for check in item.replica.checks}
        self.disk.write(Target(launch, json.dumps({**item.launch, "start": start, "steps": steps}), 0o600))

    def _run(self, item: ReplicaPlan, check: Check) -> None:
        begin = diagnosis.size(item.output)
        status = self.tools.run(item.name, check.name, item.output, self.timeout)
        if status == 0:
            return
        # The staging folder is gone when this is read.
        text = diagnosis.tail(item.output, begin).replace(str(self.staging.home), str(self.instance.home))
        lines = diagnosis.last_lines(self.mask(text)) or ["(it wrote nothing)"]
        why = "its last lines are\n" + "\n".join("  " + line for line in lines)
        if status is None:
            raise FailedError(
                f"{item.name}: its check {check.name} did not end within {self.timeout:.0f} s and was killed",
                why=why,
                remedy="if it only needs longer, raise workload_timeout; nothing has been changed",
            )
        raise InvalidError(
            f"{item.name}: its check {check.name} refuses the new files (exit status {status})",
            where=str(self.instance.folder(item.name, "config")),
            why=why,
            remedy="correct the setting that the evidence names; nothing has been changed, and processes keep running",
        )
