# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the playbooks as a user would, for an instance of the tests' own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import read_plan
from waiting import until, wait

ROOT = Path(__file__).resolve().parents[2]
# Seconds within which a killed process is there and ready again; a Java process needs most of it.
COMES_BACK = 60
# What watches a pipeline takes seconds to build, and proves nothing in most tests.
UNWATCHED = {"monitoring_enabled": False}
# Seconds until a process that was started is as quick as it gets.
_RECOVERS = 60


def shared_tables() -> list[str]:
    """What every instance captures."""
    return yaml.safe_load((ROOT / "roles/common/defaults/main/pipeline.yml").read_text())["cdc_tables"]


@dataclass(frozen=True)
class Run:
    """What a playbook's run said."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        return sum(int(number) for number in re.findall(r"changed=(\d+)", self.output))

    @property
    def explanation(self) -> str:
        """What the guide printed at the end."""
        return self.output.rpartition("FAILED: ")[2]

    def must_succeed(self) -> Run:
        assert self.code == 0, f"the run ended with {self.code}:\n{self.output[-6000:]}"
        return self

    def must_fail_with(self, *texts: str) -> Run:
        assert self.code != 0, f"the run succeeded:\n{self.output[-3000:]}"
        # Ansible wraps and indents what it prints.
        flat = re.sub(r"\s+", " ", self.output)
        missing = [text for text in texts if text not in flat]
        assert not missing, f"{missing} is not in what the run said:\n{self.output[-6000:]}"
        return self


@dataclass(frozen=True)
class Site:
    """An instance, and how to run playbooks for it.

    :param checkout: folder to run them from.
    :param options: of every run, such as other inventories than those that ansible.cfg names.
    :param variables: of every run.
    """

    name: str
    offset: int
    home: Path
    checkout: Path = ROOT
    options: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reports(self) -> Path:
        """Not the user's."""
        return self.home.parent / f"{self.name}-reports"

    def command(self, playbook: str, *arguments: str, **variables: Any) -> list[str]:
        given = {
            "cdc_instance": self.name,
            "cdc_home": str(self.home),
            "cdc_port_offset": self.offset,
            "verify_report": str(self.reports / "verify.json"),
            **self.variables,
            **variables,
        }
        ansible = Path(sys.executable).with_name("ansible-playbook")
        return [str(ansible), playbook, *self.options, *arguments, "-e", json.dumps(given)]

    def environment(self) -> Mapping[str, str]:
        """As `make` runs playbooks. Molecule makes a first run by Ansible's own strategy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STRATEGY": "cdc.pipeline.shared_process",
            "CDC_GUIDE_REPORTS": str(self.reports),
        }

    def start(self, *arguments: str, playbook: str = "site.yml", **variables: Any) -> subprocess.Popen[str]:
        """Begin a run, as the leader of a process group."""
        return subprocess.Popen(
            self.command(playbook, *arguments, **variables),
            cwd=self.checkout,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, playbook: str = "site.yml", timeout: float = 900, **variables: Any) -> Run:
        process = self.start(*arguments, playbook=playbook, **variables)
        try:
            output, _errors = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return Run(process.returncode, output)

    def recovers(self) -> None:
        """It verifies in time, once the processes that have just started are no longer slow."""
        wait(lambda: self.run(playbook="playbooks/verify.yml"), lambda run: run.code == 0, _RECOVERS, 2).must_succeed()

    def endpoints(self) -> dict[str, Any]:
        return json.loads((self.home / "endpoints.json").read_text())

    def context(self) -> Context:
        """Clients of the servers that playbooks/verify.yml has last described; a new one remembers nothing."""
        return Context(read_plan(self.home / "verify-plan.json"))

    def processes(self) -> dict[str, int]:
        """Process id of every running process of the instance, by its name under the supervisor."""
        # It ends with 1 where something is down, which may be what is being tested.
        done = subprocess.run(
            [self.home / "bin" / "cdc", "status", "--json", "--home", self.home],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        rows = json.loads(done.stdout)["processes"]
        return {row["name"]: int(row["place"]) for row in rows if row["state"] == "RUNNING"}

    def kill(self, name: str) -> None:
        """Kill a process, and wait until another one runs in its place."""
        before = self.processes()[name]
        os.kill(before, signal.SIGKILL)
        until(self.processes, lambda now: now.get(name, before) != before, COMES_BACK, f"{name} comes back", pause=1)

    def remove(self) -> None:
        """End the instance and remove all that it wrote."""
        if self.home.exists():
            self.run(playbook="playbooks/destroy.yml", destroy_data=True)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.reports, ignore_errors=True)
