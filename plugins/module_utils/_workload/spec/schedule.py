# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The schedule of a cronjob: what both runtimes read in the same way, and nothing else.

The scheduler on a host follows Debian's cron, a cluster follows the Go library `robfig/cron`. They differ in Sunday
as 7, in `L`, `W`, `#` and `?`, in names of days that wrap around the week, in `@every`, and in whether `*/2` as a day
restricts the other day field. All of that is refused here, so that a schedule means the same everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(\*|\w+(?:-\w+)?)(?:/(\d+))?")


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def value(self, text: str) -> int:
        if text.lower() in self.names:
            return self.low + self.names.index(text.lower())
        if not text.isdecimal() or not self.low <= int(text) <= self.high:
            names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise ValueError(f"{self.name}: {text!r} is not a number from {self.low} to {self.high}{names}")
        return int(text)

    def values(self, text: str) -> set[int]:
        """The values that ``text`` allows."""
        found: set[int] = set()
        for term in text.split(","):
            match = _TERM.fullmatch(term)
            if match is None or (term == "*" and text != "*"):
                raise ValueError(f"{self.name}: {term!r} is not *, a value or a range (1-5), with a step (*/5, 1-30/5)")
            span, step = match[1], match[2]
            if step is not None and int(step) == 0:
                raise ValueError(f"{self.name}: the step of {term!r} is 0")
            if step is not None and span != "*" and "-" not in span:
                raise ValueError(f"{self.name}: a step needs a range: {span}-{self.high}/{step} instead of {term}")
            ends = [str(self.low), str(self.high)] if span == "*" else span.split("-")
            first, last = self.value(ends[0]), self.value(ends[-1])
            if last < first:
                raise ValueError(f"{self.name}: the range {span!r} ends before it begins")
            found.update(range(first, last + 1, int(step or 1)))
        return found


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def five_fields(text: str) -> str:
    """The schedule ``text`` as cron's five fields.

    Raises:
        ValueError: it cannot be read, or the runtimes would read it differently; the message says what is wrong.
    """
    wanted = "five fields (minute, hour, day of the month, month, day of the week), such as '0 3 * * *'"
    if text.strip().startswith("@"):
        found = NICKNAMES.get(text.strip().lower())
        if found is None:
            raise ValueError(f"{text!r} is not one of {', '.join(NICKNAMES)}, nor {wanted}")
        return found
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{text!r} has {len(parts)} fields instead of {wanted}")
    _minutes, _hours, days, months, _weekdays = (field.values(part) for field, part in zip(_FIELDS, parts, strict=True))
    day, weekday = parts[2], parts[4]
    if "*" not in (day, weekday) and "*/" in day + weekday:
        raise ValueError(
            f"{text!r} restricts both day fields, one of them by a step of *, which the runtimes read differently; "
            "write the step as a range, such as 1-31/2 instead of */2"
        )
    if weekday == "*" and min(days) > max(_LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError(f"{text!r} never comes: no such month has a day {min(days)}")
    return " ".join(parts)
