"""What somebody may do over HTTP, or may not, as the roles state it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """An action that changes nothing, whether it is let through or not.

    Attributes:
        login: who does it, by the name of its login in endpoints.json; empty for nobody.
        path: from the server's root.
        allowed: whether it reaches the service, whatever that answers.
    """

    login: str
    method: str
    path: str
    allowed: bool

    def shown(self) -> str:
        """For people."""
        return f"{self.login or 'nobody'} {self.method} {self.path}"
