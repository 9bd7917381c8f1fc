# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A specification that is wrong, with every problem at once."""

from __future__ import annotations

from ..._errors import InvalidError


class SpecError(InvalidError):
    """A workload specification is wrong. ``problems`` holds every one found, not only the first."""

    def __init__(self, name: str, problems: list[str]) -> None:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        super().__init__(
            f"The specification of the workload {name} has {count}",
            why="\n" + "\n".join(f"  {problem}" for problem in problems),
            remedy="fix the specification in the component's role or its variables; nothing has been changed",
            problems=problems,
        )
        self.problems = problems
