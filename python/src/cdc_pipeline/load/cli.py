"""`cdc-load`: puts load on a pipeline at a fixed rate and measures what becomes of every change."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan, load_plan
from cdc_pipeline.instance.report import give_to_owner, print_table, summary
from cdc_pipeline.load import guard, parts, run, table
from cdc_pipeline.load.generator import GeneratorError
from cdc_pipeline.load.report import figures, judge, print_figures

_USAGE, _FAILED = 2, 3
_MOST_EVENTS = 5_000_000


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="cdc-load", description=__doc__)
    result.add_argument("--plan", type=Path, help="as for cdc-verify")
    result.add_argument("--rate", type=float, default=1000, help="events a second (default: 1000)")
    result.add_argument("--seconds", type=float, default=120, help="of the warm part (default: 120)")
    result.add_argument(
        "--warmup-seconds", type=float, default=30, help="of the cold part before, counted apart (default: 30)"
    )
    result.add_argument(
        "--start", choices=list(parts.STARTS), default="none", help="what was started just before, for the report"
    )
    result.add_argument("--transaction", type=int, default=100, help="events of a transaction (default: 100)")
    result.add_argument("--table", default=table.TABLE, help=f"the load's own, captured table (default: {table.TABLE})")
    result.add_argument("--goal-p99", type=float, default=5.0, help="seconds from commit to Kafka (default: 5)")
    result.add_argument(
        "--output", type=Path, help="folder of load_test-<rate>[-<start>].json and .png (default: reports/<runtime>)"
    )
    result.add_argument("--most-events", type=int, default=_MOST_EVENTS, help=f"(default: {_MOST_EVENTS})")
    result.add_argument("--i-know", action="store_true", help="put load on servers on other hosts too")
    result.add_argument("--check", action="store_true", help="say whether the load would be refused, and end")
    result.add_argument("--table-sql", action="store_true", help="print the SQL that makes the table, and end")
    return result


def main(arguments: list[str] | None = None) -> int:
    """0 when every promise was kept, or the test may begin, 1 when one was not, 2 when the test was refused, 3 when it
    ended before its time and there is no report."""
    options = parser().parse_args(arguments)
    if options.table_sql:
        print(table.ddl(options.table), end="")
        return 0
    plan = load_plan(options.plan)
    if plan is None:
        return _USAGE
    settings = run.Settings(
        options.rate, options.seconds, options.warmup_seconds, options.transaction, options.table, options.start
    )
    total = settings.seconds + settings.warmup
    try:
        guard.check(plan.endpoints, options.rate, total, options.transaction, options.most_events, options.i_know)
        if options.check:
            return 0
        result = run.run(Context(plan), settings, lambda text: print(text, file=sys.stderr, flush=True))
    except (guard.RefusedError, GeneratorError, ClusterError, LookupError) as error:
        print(f"cdc-load: {error}", file=sys.stderr)
        return _USAGE
    except Exception:
        # Python itself would end with 1.
        traceback.print_exc()
        print("cdc-load: the load has ended before its time, for the error above; look at cdc status", file=sys.stderr)
        return _FAILED
    return _report(result, plan, options)


def _report(result: run.Result, plan: Plan, options: argparse.Namespace) -> int:
    data = figures(result)
    findings = judge(data, plan, options.goal_p99)
    data["checks"] = [finding.as_record() for finding in findings]
    folder = options.output or Path("reports") / plan.runtime
    made = [each for each in (folder, *folder.absolute().parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    # One start does not overwrite the figures of another.
    start = "" if options.start == "none" else f"-{options.start}"
    path = folder / f"load_test-{options.rate:g}{start}.json"
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    picture = path.with_suffix(".png")
    try:
        from cdc_pipeline.load.chart import draw

        draw(result, data, picture)
    except ImportError:
        print("no picture: matplotlib is not installed", file=sys.stderr)
    give_to_owner([each.absolute() for each in (*made, path, picture) if each.exists()])
    print_figures(data, sys.stdout)
    print_table(findings, sys.stdout)
    print(f"\n{summary(findings)}; {path}")
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
