"""What ends a command with a sentence instead of a traceback."""

from __future__ import annotations


class CdcError(Exception):
    """Something is wrong with the pipeline, or it cannot be reached. The text says what, where, and what to do next."""
