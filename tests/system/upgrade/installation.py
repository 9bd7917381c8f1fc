# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An instance that is set up by `make` in one checkout or another, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import read_plan
from site_runs import Run

# What the make that runs these tests, or its user, would hand on.
_NOT_OURS = ("ANSIBLE_", "MAKE", "MFLAGS", "ARGS", "INVENTORY", "CDC_INSTANCE", "CDC_HOME", "CDC_PORT_OFFSET")
# Building every artifact from an empty cache is within it.
_SECONDS = 1500.0


@dataclass(frozen=True)
class Installation:
    """An instance."""

    name: str
    offset: int
    home: Path

    @property
    def reports(self) -> Path:
        return self.home.parent / f"{self.name}-reports"

    def make(self, target: str, checkout: Path, *options: str, variables: Mapping[str, Any] | None = None) -> Run:
        """Run a target of a checkout's Makefile for this instance.

        Args:
            options: of ansible-playbook.
            variables: beside those that make it this instance.
        """
        self.reports.mkdir(parents=True, exist_ok=True)
        given = {
            "cdc_instance": self.name,
            "cdc_home": str(self.home),
            "cdc_port_offset": self.offset,
            **(variables or {}),
        }
        file = self.reports / "variables.json"
        file.write_text(json.dumps(given))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        process = subprocess.Popen(
            ["make", target, f"ARGS={' '.join(['-e', f'@{file}', *options])}"],
            cwd=checkout,
            env={**kept, "ANSIBLE_NOCOLOR": "1", "CDC_GUIDE_REPORTS": str(self.reports)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _errors = process.communicate(timeout=_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return Run(process.returncode, output)

    def endpoints(self) -> dict[str, Any]:
        return json.loads((self.home / "endpoints.json").read_text())

    def context(self) -> Context:
        """Clients of the servers that the last verification described."""
        return Context(read_plan(self.home / "verify-plan.json"))

    def remove(self, checkout: Path) -> None:
        """End the instance, and remove all that it wrote."""
        if self.home.exists():
            self.make("destroy", checkout, "-e", "destroy_data=true").must_succeed()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.reports, ignore_errors=True)
