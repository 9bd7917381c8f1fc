"""What a check is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding


@dataclass(frozen=True)
class Step:
    """Checks that share their input. The time until each finding is yielded is that finding's.

    Attributes:
        id: of the finding that stands for the step when it cannot finish; begins with the component, as those of
            findings do.
        requirement: that the checks prove, such as T4, as docs/requirements.md has it; empty where they prove none.
        checks: ids of the findings, without the component; what is in angle brackets differs from finding to finding.
        along: the step also runs when all of these components are wanted.
        writes: left out of a run that only reads.
        cluster: looks at the cluster itself, so it runs on the runtime kubernetes alone.
    """

    id: str
    component: str
    run: Callable[[Context], Iterator[Finding]]
    requirement: str = ""
    checks: tuple[str, ...] = ()
    writes: bool = False
    cluster: bool = False
    along: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all that it may find."""
        return tuple(dict.fromkeys([*(f"{self.component}.{name}" for name in self.checks), self.id]))
