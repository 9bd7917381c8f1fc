# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an event costs more than in an earlier version: both under the same load, by turns. Needs root; a quiet machine.

    python tests/cost.py [--commit 39700d6] [--rate 5000] [--seconds 60] [--pairs 3]

It prints CPU microseconds an event of each component: the median and the spread (lowest to highest) of either version,
and the median of the differences within each pair.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/upgrade", "tests/trouble", "tests", "python/src")]

import base  # noqa: E402
from installation import Installation  # noqa: E402

# What the report has beside the pipeline's components.
LOAD = "load_test"
HOMES = Path("/var/lib/cdc-pipeline")


def loaded(site: Installation, checkout: Path, rate: int, seconds: int) -> dict[str, float]:
    """CPU microseconds an event by component, under load."""
    load = {"load_test_rate": rate, "load_test_seconds": seconds, "load_test_goal_p99_seconds": 60}
    site.make("load-test", checkout, variables=load).must_succeed()
    report = json.loads((site.home / "load-test" / f"load_test-{rate}.json").read_text())
    # An earlier version's report has one part, the warm one.
    return {name: figure for name, figure in report.get("warm", report)["cpu_us_per_event"].items() if name != LOAD}


def shown(figures: Sequence[float]) -> str:
    return f"{statistics.median(figures):7.1f} ({min(figures):.1f} to {max(figures):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", default=base.COMMIT)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        old = base.check_out(Path(folder) / "checkout", options.commit)
        versions = {
            "before": (Installation("cost-before", 1450, HOMES / "cost-before"), old),
            "now": (Installation("cost-now", 1850, HOMES / "cost-now"), ROOT),
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
        try:
            for name, (site, checkout) in versions.items():
                site.make("site", checkout).must_succeed()
                print(f"{name}: set up", flush=True)
            for pair in range(options.pairs):
                # The one that waits rests; each goes first in turn.
                for name in sorted(versions, reverse=bool(pair % 2)):
                    site, checkout = versions[name]
                    found[name].append(loaded(site, checkout, options.rate, options.seconds))
                    print(f"{name}: {sum(found[name][-1].values()):.1f} CPU µs an event; {found[name][-1]}", flush=True)
        finally:
            for site, checkout in versions.values():
                site.remove(checkout)

    print(
        f"\nCPU µs an event at {options.rate} a second over {options.seconds} s, {options.pairs} pairs: median (spread)"
    )
    print(f"{'':18}{options.commit[:12]:>28}{'now':>28}{'more, by pairs':>28}")
    for name in (*found["now"][0], "all"):
        before, now = (
            [sum(run.values()) if name == "all" else run.get(name, 0) for run in found[version]] for version in versions
        )
        more = [after - earlier for earlier, after in zip(before, now, strict=True)]
        print(f"{name:18}{shown(before):>28}{shown(now):>28}{shown(more):>28}")


if __name__ == "__main__":
    main()
