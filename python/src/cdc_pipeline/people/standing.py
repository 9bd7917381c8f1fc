"""How somebody stands with a server."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from cdc_pipeline.people.logins import Person


class Standing(Enum):
    """IN: the login opens what it should. OUT: it is refused, and nothing is left of it. PARTLY: neither."""

    IN = "in"
    PARTLY = "partly"
    OUT = "out"


class Server(Protocol):
    """A server that knows people. Its methods raise OSError or KafkaException where it does not answer or refuses."""

    @property
    def title(self) -> str:
        """Its name in a sentence."""

    def standing(self, person: Person) -> dict[str, Standing]:
        """Of each address of it."""

    def admit(self, person: Person) -> None:
        """Has it let them in; from now on or soon."""

    def dismiss(self, person: Person) -> None:
        """Has it refuse them; from now on or soon."""
