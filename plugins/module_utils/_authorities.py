# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificate authorities that are given as text, for libraries that read a file."""

from __future__ import annotations

import tempfile
from typing import Any


def authorities_file(pem: str | None) -> Any:
    """A file with this text, which is there as long as the result is not closed; None where there is no text."""
    if not pem:
        return None
    # It is closed with the object that needs it.
    file = tempfile.NamedTemporaryFile("w", prefix="cdc-authorities-", suffix=".pem")  # noqa: SIM115
    file.write(pem)
    file.flush()
    return file
