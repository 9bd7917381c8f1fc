"""`cdc-verify`: checks a running pipeline against a plan."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from cdc_pipeline.verify import look, probe_table
from cdc_pipeline.verify.checks import COMPONENTS, STEPS
from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.iceberg import table_folder
from cdc_pipeline.verify.plan import EndToEnd, Plan, read_plan
from cdc_pipeline.verify.report import print_table, summary, write_report
from cdc_pipeline.verify.runner import choose, run
from cdc_pipeline.verify.shape import ShapeError
from cdc_pipeline.verify.tables import key_columns

_USAGE = 2


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="cdc-verify", description=__doc__)
    result.add_argument("--plan", type=Path, help="JSON: endpoints and expectations (see the README beside this tool)")
    result.add_argument("--report", type=Path, help="where the list of results goes, as JSON")
    result.add_argument("--component", action="append", default=[], choices=COMPONENTS, help="only these")
    result.add_argument("--read-only", action="store_true", help="leave out what changes anything anywhere")
    result.add_argument("--table", action="store_true", help="print every check, not only those that fail")
    other = result.add_mutually_exclusive_group()
    probe = "print the SQL that makes the probe table, and end (default: the plan's table)"
    other.add_argument("--probe-sql", metavar="TABLE", nargs="?", const="", help=probe)
    other.add_argument("--look", metavar="TABLE", help="print shell lines that show a table's data by DuckDB, and end")
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
    if options.look:
        return _look(plan, options.look)
    return _verify(plan, options)


def load_plan(path: Path | None) -> Plan | None:
    """The plan, or None after saying what is wrong with it."""
    if path is None:
        print("--plan is missing", file=sys.stderr)
        return None
    try:
        return read_plan(path)
    except ShapeError as error:
        print(f"{path} is not a valid plan:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    except OSError as error:
        print(f"cannot read the plan: {error}", file=sys.stderr)
    return None


def _verify(plan: Plan, options: argparse.Namespace) -> int:
    began = time.monotonic()
    steps, left_out = choose(STEPS, options.component, options.read_only, plan.cluster is not None)
    findings = run(steps, Context(plan, options.read_only))
    if options.report:
        write_report(findings, options.report)
    shown = findings if options.table else [finding for finding in findings if not finding.ok]
    if shown:
        print_table(shown, sys.stdout)
        print()
    where = f"; report: {options.report}" if options.report else ""
    print(f"{summary(findings, left_out)}, {time.monotonic() - began:.1f} s{where}")
    return 0 if findings and all(finding.ok for finding in findings) else 1


def _look(plan: Plan, table: str) -> int:
    with Context(plan).postgresql() as connection:
        keys = key_columns(connection, table)
    if not keys:
        print(f"{table}: no such table, or it has no primary key", file=sys.stderr)
        return _USAGE
    topic = plan.topic(table)
    endpoints = plan.paths.endpoints or "endpoints.json"
    archive = plan.expected.archive
    iceberg = "" if archive.service or not archive.connect.database else table_folder(archive.connect.prefix, topic)
    # Root by sudo is not who will paste the lines.
    sudo = "SUDO_USER" in os.environ
    for query in (look.changes_query(), look.current_query(keys)):
        print(look.command(query, topic, endpoints, sys.executable, iceberg, sudo))
    return 0
