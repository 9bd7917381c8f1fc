"""The audit of the captured tables, as a check of the running pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc_pipeline.capture import finding as audit
from cdc_pipeline.capture.facts import Facts
from cdc_pipeline.capture.report import examine
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding


def audited(context: Context) -> tuple[Facts, list[audit.Finding]]:
    """The audit of this run; the first caller makes it.

    Raises:
        psycopg.Error: the server does not answer.
    """

    def make() -> tuple[Facts, list[audit.Finding]]:
        with context.postgresql() as connection:
            return examine(connection, context.plan.expected.connectors.audit_of())

    return context.once("audit", make)


def judge(findings: Iterable[audit.Finding]) -> Finding:
    """Nothing prevents capturing the captured tables; warnings are named."""
    findings = list(findings)
    refused = [str(each) for each in findings if each.severity == audit.REFUSE]
    known = [f"{each.subject}: {each.what}" for each in findings if each.severity == audit.WARN]
    return Finding(
        "connectors.audit",
        "problems that prevent capturing the captured tables, or warnings about them",
        "nothing that prevents it",
        refused or known or "nothing",
        not refused,
        "See {cdc} audit, and docs/names-and-audit.md.",
    )


def check(context: Context) -> Iterator[Finding]:
    """The step of verification."""
    yield judge(audited(context)[1])
