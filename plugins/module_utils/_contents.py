# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a file holds: text, or bytes where it is binary, such as a Java trust store."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, TypeAlias

Content: TypeAlias = "str | bytes"


def as_bytes(content: Content) -> bytes:
    """The bytes that stand in the file."""
    return content.encode() if isinstance(content, str) else content


def as_text(content: Content) -> str:
    """The content as text; what is no text has replacement characters."""
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def as_base64(content: Content) -> str:
    """The content as the Kubernetes API takes bytes."""
    return base64.b64encode(as_bytes(content)).decode()


def described(content: bytes) -> str:
    """What is shown in place of binary content."""
    return f"<binary, {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}>\n"


def digest(value: Any) -> str:
    """The SHA-256 of ``value``, maps and lists of texts, numbers and contents, in hexadecimal digits."""

    def plain(content: bytes) -> dict[str, str]:
        return {"base64": as_base64(content)}

    return hashlib.sha256(json.dumps(value, sort_keys=True, default=plain).encode()).hexdigest()
