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
    """The surroundings cannot carry the protocol (no conditional PUT, another pipeline's archive): the service ends."""


class UnavailableError(ArchiveError):
    """A server does not answer or cannot serve now: the partition waits and the step is tried again."""


class UnreadableError(ArchiveError):
    """An object that is there cannot be read as a tile: its partition stops."""


class UnknownSchemaError(ArchiveError):
    """The registry has no schema of that id, and it was given the time to learn it.

    Its records are rejected once a later record of their partition can be read; until then, the partition waits.
    """

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"the registry has no schema id {schema_id}")
        self.schema_id = schema_id


class EveryRecordError(ArchiveError):
    """A tile cannot be made, whichever of its records it has: its partition stops, rather than to reject them all."""


class UnsupportedSchemaError(ArchiveError):
    """The schema is not one whose records can become rows: the records are rejected."""


class MalformedError(ArchiveError):
    """A datum does not follow its schema, or a value has no representation in its column's type."""


def survivable(error: BaseException) -> bool:
    """Whether the process continues after it. Polars' PanicException derives from BaseException alone."""
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def blames_records(error: BaseException) -> bool:
    """Whether an error in making a tile may be due to one of its records, so that it comes again and must be found."""
    return survivable(error) and not isinstance(error, MemoryError | OSError | ArchiveError)


def said(error: BaseException) -> str:
    """An error in one line. Panics and assertions may come without a text or with a long one."""
    text = next(iter(str(error).splitlines()), "")[:200]
    return text if isinstance(error, ArchiveError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
