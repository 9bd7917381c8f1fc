"""`cdc-verify`: checks a running pipeline against a plan."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from cdc_pipeline.verify.checks import COMPONENTS, STEPS
from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.finding import Finding
from cdc_pipeline.verify.plan import read_plan
from cdc_pipeline.verify.report import print_table, summary, write_report
from cdc_pipeline.verify.runner import choose, run
from cdc_pipeline.verify.shape import ShapeError

_USAGE = 2


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="cdc-verify", description=__doc__)
    result.add_argument("--plan", type=Path, help="JSON: endpoints and expectations")
    result.add_argument("--report", type=Path, help="where the list of results goes, as JSON")
    result.add_argument("--component", action="append", default=[], choices=COMPONENTS, help="only these")
    result.add_argument("--read-only", action="store_true", help="leave out what changes anything anywhere")
    result.add_argument("--table", action="store_true", help="print every check, not only those that fail")
    return result


def main(arguments: list[str] | None = None) -> int:
    """0 when every check is ok, 1 when one is not, 2 when there is no valid plan."""
    options = parser().parse_args(arguments)
    if options.plan is None:
        print("cdc-verify: --plan is missing", file=sys.stderr)
        return _USAGE
    try:
        plan = read_plan(options.plan)
    except ShapeError as error:
        print(f"cdc-verify: {options.plan} is not a valid plan:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return _USAGE
    except OSError as error:
        print(f"cdc-verify: cannot read the plan: {error}", file=sys.stderr)
        return _USAGE
    began = time.monotonic()
    steps, left_out = choose(STEPS, options.component, options.read_only, plan.runtime == "local")
    findings = run(steps, Context(plan, options.read_only))
    if options.report:
        write_report(findings, options.report)
    shown: list[Finding] = findings if options.table else [each for each in findings if not each.ok]
    if shown:
        print_table(shown, sys.stdout)
        print()
    print(
        f"{summary(findings, left_out)}, {time.monotonic() - began:.1f} s"
        + (f"; report: {options.report}" if options.report else "")
    )
    return 0 if findings and all(finding.ok for finding in findings) else 1
