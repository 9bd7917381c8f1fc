# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A supervisor in memory, and the tools that probe and run what it supervises."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path

PACKAGE = "ansible_collections.cdc.pipeline.plugins.module_utils"


def part(name):
    # Loaded late: the collection is importable once the fixtures are set up.
    return importlib.import_module(f"{PACKAGE}.{name}")


class FakeSupervisor:
    """Programs of the configuration on disk, and what was asked of them in order."""

    def __init__(self, home):
        self.home = home
        self.states: dict[str, str] = {}
        self.asked: list[str] = []

    def answers(self):
        return True

    def processes(self):
        process = part("_workload.local.supervisor").Process
        now = int(time.time())
        return {name: process(name, state, 10, now - 100, now, 0, "") for name, state in self.states.items()}

    def reread(self):
        text = "".join(path.read_text() for path in (self.home / "supervisor" / "conf.d").glob("*.conf"))
        known = part("_workload.local.decide").sections(text)
        return [name for name in known if name not in self.states], [], [n for n in self.states if n not in known]

    def add(self, name):
        self.asked.append(f"add {name}")
        self.states[name] = "RUNNING"

    def remove(self, name):
        self.asked.append(f"remove {name}")
        self.states.pop(name, None)

    def start(self, name):
        self.asked.append(f"start {name}")
        self.states[name] = "RUNNING"

    def signal(self, name, signal_name):
        self.asked.append(f"{signal_name} {name}")

    def stop(self, names, grace):
        self.asked += [f"stop {name}" for name in names]
        self.states.update(dict.fromkeys(names, "STOPPED"))


class FakeTools:
    """Probes that pass, unless told otherwise, and steps that make what they should."""

    def __init__(self, instance, failing):
        self.instance = instance
        self.failing = failing
        self.steps = []
        self.given = None

    def probe(self, kind, replicas, wait=0.0):
        found = part("_workload.local.tools").Found
        return {name: found(kind not in self.failing, f"{kind} probe") for name in replicas}

    def run(self, replica, step, output, seconds, stop_signal="TERM", grace=0.0):
        self.steps.append((replica, step))
        self.given = (seconds, stop_signal, grace)
        document = json.loads(self.instance.launch(replica).read_text())
        command = document["start"]["command"] if step is None else document["steps"][step]
        if command[0] == "touch":
            Path(command[1]).touch()
        output.parent.mkdir(exist_ok=True)
        with output.open("a") as stream:
            stream.write("No space left on device: hidden-value\n")
        return 0 if command[0] == "touch" else 9
