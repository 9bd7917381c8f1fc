# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A finding of the preflight, and the one error that lists them all."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ._errors import InvalidError


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    :param check: short name of the check, such as `port` or `variable`.
    :param what: one sentence.
    :param found: the evidence; never a secret.
    :param remedy: the user's next step.
    """

    check: str
    what: str
    found: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        labelled = (("found", self.found), ("remedy", self.remedy))
        lines = [self.what]
        for label, text in labelled:
            if text:
                lines.append(textwrap.indent(text, " " * 10).replace(" " * 10, f"  {label + ':':<8}", 1))
        return "\n".join(lines)


class PreflightError(InvalidError):
    """Everything that is wrong, at once.

    :param subject: what was checked, such as "the variables".
    :param unchanged: what has not been changed.
    """

    def __init__(self, subject: str, problems: Sequence[Problem], unchanged: str = "nothing") -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"{number}. {problem}" for number, problem in enumerate(problems, 1))
        super().__init__(
            f"{count} with {subject}; {unchanged} has been changed\n{listed}",
            remedy="; ".join(dict.fromkeys(problem.remedy for problem in problems if problem.remedy)),
        )

    @property
    def message(self) -> str:
        """The list; each problem stands with its own remedy."""
        return self.what
