"""`cdc-verify`: checks a running pipeline against a plan."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cdc_pipeline.instance.expected import EndToEnd
from cdc_pipeline.instance.plan import Plan, load_plan
from cdc_pipeline.instance.report import print_table
from cdc_pipeline.verify import probe_table
from cdc_pipeline.verify.checks import components_of
from cdc_pipeline.verify.prove import prove

_USAGE = 2


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="cdc-verify", description=__doc__)
    result.add_argument("--plan", type=Path, help="JSON: endpoints and expectations (see the README beside this tool)")
    result.add_argument("--report", type=Path, help="file for the list of results, as JSON")
    result.add_argument("--component", action="append", default=[], help="only these")
    result.add_argument("--read-only", action="store_true", help="skip the checks that write")
    result.add_argument("--table", action="store_true", help="print every check, not only those that fail")
    probe = "print the SQL that creates the probe table, and exit (default: the plan's table)"
    result.add_argument("--probe-sql", metavar="TABLE", nargs="?", const="", help=probe)
    return result


def main(arguments: list[str] | None = None) -> int:
    """0 when every check is ok, 1 when one is not, 2 when there is no valid plan."""
    options = parser().parse_args(arguments)
    if options.probe_sql is not None and (options.probe_sql or options.plan is None):
        print(probe_table.ddl(options.probe_sql or EndToEnd().table), end="")
        return 0
    plan = load_plan(options.plan)
    if plan is None:
        return _USAGE
    if options.probe_sql is not None:
        print(probe_table.ddl(plan.expected.end_to_end.table), end="")
        return 0
    unknown = sorted(set(options.component) - set(components_of(plan)))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(components_of(plan))}", file=sys.stderr)
        return _USAGE
    return _verify(plan, options)


def _verify(plan: Plan, options: argparse.Namespace) -> int:
    proof = prove(plan, options.component, options.read_only, options.report)
    shown = [finding for finding in proof.findings if options.table or not finding.ok]
    if shown:
        print_table(shown, sys.stdout)
        print()
    print(proof.summary() + (f"; report: {options.report}" if options.report else ""))
    return 0 if proof.ok else 1
