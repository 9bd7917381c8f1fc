"""What the audit finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

REFUSE, WARN = "refuse", "warn"


@dataclass(frozen=True)
class Finding:
    """Something that stands against it, or that one should know.

    Attributes:
        severity: refuse or warn.
        code: what kind it is, such as no_table.
        subject: the table or the server.
        what: a sentence. ``why``: what follows from it. ``remedy``: what to do.
    """

    severity: str
    code: str
    subject: str
    what: str
    why: str
    remedy: str

    def as_record(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}: {self.why}. Remedy: {self.remedy}."
