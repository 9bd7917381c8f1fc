"""Keeps the instance's passwords and keys out of what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cdc_pipeline.cli.instance import forbidden

_HIDDEN = "********"
# What is shorter would hide ordinary words.
_SHORTEST = 6


class Masker:
    """Replaces each secret in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {secret.strip() for secret in secrets}
        # The longest first, so that one that contains another is hidden whole.
        self._values = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, _HIDDEN)
        return text


def masker_of(home: Path) -> Masker:
    """Hides every generated or given credential of the instance in ``home``: each has a file in its folder.

    Raises:
        CdcError: they may not be read, so that they could not be hidden.
    """
    folder = home / "credentials"
    try:
        return Masker(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file())
    except FileNotFoundError:
        return Masker(())
    except PermissionError:
        raise forbidden(folder) from None
