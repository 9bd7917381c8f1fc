# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an event costs more than in an earlier version, and more by security. Needs root and a quiet machine.

    python tests/tools/cost.py [--commit 39700d6] [--rate 5000] [--seconds 60] [--rounds 3]

The earlier version, this one with `cdc_security: false` and this one with `cdc_security: true` are put under the same
load by turns, after one load each that is not counted. It prints CPU microseconds an event of each component: the
median and the spread (lowest to highest) of each, and the same of the differences within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/system/upgrade", "tests/support", "python/src")]

import base  # noqa: E402
from installation import Installation  # noqa: E402

# What the report has beside the pipeline's components.
LOAD = "load_test"
HOMES = Path("/var/lib/cdc-pipeline")
BEFORE, PLAIN, SECURED = "before", "plain", "secured"
# Each with what it is compared with.
COMPARED = ((PLAIN, BEFORE), (SECURED, PLAIN))
# A training of caches would take CPU beside a load.
QUIET = {"java_caches_trained": False}


@dataclass(frozen=True)
class Pipeline:
    """One that is loaded."""

    site: Installation
    checkout: Path
    variables: Mapping[str, Any]
    found: list[dict[str, float]] = field(default_factory=list)

    def loaded(self, rate: int, seconds: int) -> dict[str, float]:
        """CPU microseconds an event by component, under load."""
        load = {"load_test_rate": rate, "load_test_seconds": seconds, "load_test_goal_p99_seconds": 60}
        self.site.make("load-test", self.checkout, variables={**self.variables, **load}).must_succeed()
        report = json.loads((self.site.home / "load-test" / f"load_test-{rate}.json").read_text())
        # An earlier version's report has one part, the warm one.
        return {name: cpu for name, cpu in report.get("warm", report)["cpu_us_per_event"].items() if name != LOAD}

    def figures(self, component: str) -> list[float]:
        """CPU microseconds an event of a component, or of `all`, in each round."""
        return [sum(run.values()) if component == "all" else run.get(component, 0) for run in self.found]


def shown(figures: Sequence[float]) -> str:
    return f"{statistics.median(figures):7.1f} ({min(figures):.1f} to {max(figures):.1f})"


def table(pipelines: Mapping[str, Pipeline]) -> str:
    """CPU of each pipeline and the differences, a line for a component."""
    heads = [*pipelines, *(f"{more} - {less}" for more, less in COMPARED)]
    lines = [f"{'':18}" + "".join(f"{head:>28}" for head in heads)]
    for component in (*pipelines[SECURED].found[0], "all"):
        cpu = {name: pipeline.figures(component) for name, pipeline in pipelines.items()}
        differences = ([b - a for a, b in zip(cpu[less], cpu[more], strict=True)] for more, less in COMPARED)
        lines.append(f"{component:18}" + "".join(f"{shown(each):>28}" for each in (*cpu.values(), *differences)))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", default=base.COMMIT)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    def installed(name: str, offset: int) -> Installation:
        return Installation(f"cost-{name}", offset, HOMES / f"cost-{name}")

    with tempfile.TemporaryDirectory() as folder:
        old = base.check_out(Path(folder) / "checkout", options.commit)
        pipelines = {
            BEFORE: Pipeline(installed(BEFORE, 1450), old, {}),
            PLAIN: Pipeline(installed(PLAIN, 1850), ROOT, {**QUIET, "cdc_security": False}),
            SECURED: Pipeline(installed(SECURED, 2250), ROOT, {**QUIET, "cdc_security": True}),
        }
        try:
            for name, pipeline in pipelines.items():
                pipeline.site.make("site", pipeline.checkout, variables=pipeline.variables).must_succeed()
                pipeline.loaded(options.rate, options.seconds)
                print(f"{name}: set up and warm", flush=True)
            for turn in range(options.rounds):
                # Those that wait rest; each order is gone through in both directions.
                for name in sorted(pipelines, reverse=bool(turn % 2)):
                    pipeline = pipelines[name]
                    pipeline.found.append(pipeline.loaded(options.rate, options.seconds))
                    cpu = pipeline.found[-1]
                    print(f"{name}: {sum(cpu.values()):.1f} CPU µs an event; {cpu}", flush=True)
        finally:
            for pipeline in pipelines.values():
                pipeline.site.remove(pipeline.checkout)

    print(f"\nCPU µs an event, {options.rounds} rounds of {options.rate}/s over {options.seconds} s: median (spread)")
    print(f"{BEFORE} is {options.commit[:12]}\n{table(pipelines)}")


if __name__ == "__main__":
    main()
