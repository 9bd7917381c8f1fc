"""A run of the checks, for the commands that print what it found."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.instance.report import summary, write_report
from cdc_pipeline.verify.checks import steps_of
from cdc_pipeline.verify.runner import choose, run


@dataclass(frozen=True)
class Proof:
    """``left_out``: groups of checks that would have written. ``seconds``: that it took."""

    findings: Sequence[Finding]
    left_out: int
    seconds: float

    @property
    def ok(self) -> bool:
        return bool(self.findings) and all(finding.ok for finding in self.findings)

    def summary(self) -> str:
        """How it went, in a line."""
        return f"{summary(self.findings, self.left_out)}, {self.seconds:.1f} s"


def prove(plan: Plan, components: Iterable[str], read_only: bool, report: Path | None) -> Proof:
    """Checks a pipeline against its plan.

    Args:
        components: only these; all where there are none.
        read_only: skip the checks that write.
        report: where the findings go, as JSON.
    """
    began = time.monotonic()
    steps, left_out = choose(steps_of(plan), components, read_only, plan.cluster is not None)
    findings = run(steps, Context(plan, read_only))
    if report is not None:
        write_report(findings, report)
    return Proof(findings, left_out, time.monotonic() - began)
