"""What can go wrong in the archive, by what the service does about it."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of every error the archive raises on purpose; its text is for an operator."""


class ConfigurationError(ArchiveError):
    """The configuration is wrong; ``problems`` lists everything that is, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class RefusedError(ArchiveError):
    """The surroundings cannot carry the protocol (no conditional PUT, a compacted topic): the service ends."""


class UnavailableError(ArchiveError):
    """A server does not answer or cannot serve now: the partition waits and the step is tried again."""


class UnknownSchemaError(ArchiveError):
    """The registry has no schema of that id, and it was given the time to learn it: the records are rejected."""


class UnsupportedSchemaError(ArchiveError):
    """The schema is not one whose records can become rows: the records are rejected."""


class MalformedError(ArchiveError):
    """A datum does not follow its schema, or a value has no representation in its column's type."""


def survivable(error: BaseException) -> bool:
    """Whether the process goes on after it. Polars' PanicException derives from BaseException alone."""
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
