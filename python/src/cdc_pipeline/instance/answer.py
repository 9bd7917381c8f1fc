"""What a cluster's API gives: objects, the output of a command, or an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""As in YAML."""


class ClusterError(RuntimeError):
    """The cluster refuses, or does not answer.

    Attributes:
        status: of the API's answer; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Output:
    """What a command in a pod gave."""

    code: int
    out: str
    err: str
