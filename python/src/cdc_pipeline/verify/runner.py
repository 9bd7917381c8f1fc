"""Runs steps side by side and times each finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding
from cdc_pipeline.verify.step import Step

# Steps wait for servers far more than they compute.
_THREADS = 12


def choose(steps: Iterable[Step], components: Iterable[str], read_only: bool, cluster: bool) -> tuple[list[Step], int]:
    """The steps to run, and how many were left out because they write."""
    wanted = set(components)
    chosen = [step for step in steps if _wanted(step, wanted) and (cluster or not step.cluster)]
    kept = [step for step in chosen if not (read_only and step.writes)]
    return kept, len(chosen) - len(kept)


def _wanted(step: Step, wanted: set[str]) -> bool:
    return not wanted or step.component in wanted or (bool(step.along) and wanted.issuperset(step.along))


def run(steps: Iterable[Step], context: Context, told: Callable[[Finding], None] | None = None) -> list[Finding]:
    """All findings, in the order of the steps. A step that raises yields a failed finding of its own.

    Steps that make pods come after all others, from whose timed changes they would take the processor.
    """
    steps = list(steps)
    found: dict[int, list[Finding]] = {}
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="verify") as pool:
        for makes_pods in (False, True):
            group = [number for number, step in enumerate(steps) if (step.cluster and step.writes) is makes_pods]
            for number, findings in zip(
                group, pool.map(lambda number: _run_step(steps[number], context, told), group), strict=True
            ):
                found[number] = findings
    return [finding for number in range(len(steps)) for finding in found[number]]


def _run_step(step: Step, context: Context, told: Callable[[Finding], None] | None) -> list[Finding]:
    findings: list[Finding] = []
    since = time.monotonic()

    def note(finding: Finding) -> None:
        nonlocal since
        now = time.monotonic()
        hint = context.plan.spoken(finding.hint)
        whole = replace(finding, seconds=now - since, hint=hint, requirement=step.requirement)
        since = now
        findings.append(whole)
        if told is not None:
            told(whole)

    try:
        for finding in step.run(context):
            note(finding)
    except Exception as error:  # Any failure of a check is a finding, and the others continue.
        note(
            Finding(
                step.id,
                f"checks of {step.component} run to their end",
                "no error",
                _sentence(error),
                False,
                f"Is {step.component.replace('_', ' ')} up? Look at its status and log.",
            )
        )
    return findings


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text}"[:500]
