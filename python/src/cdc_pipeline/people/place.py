"""Lets people in at every server of an instance, and takes them out again.

Each step first looks at what is there. So a second call changes nothing, and a call after an interruption completes the
work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from confluent_kafka import KafkaException

from cdc_pipeline.people.book import read_people, write_people
from cdc_pipeline.people.logins import Person
from cdc_pipeline.people.standing import Server, Standing

# Seconds that a server may take to let somebody in or to refuse them. On a busy host, the registry starts in minutes.
_SECONDS = 600.0
# Seconds after which one that is silent is taken for down.
_ANSWERS = 60.0
_PAUSE = 0.3
# ValueError: an answer that is cut short.
_TROUBLES = (OSError, ValueError, KafkaException)
Says = Callable[[str], None]


class UnansweredError(Exception):
    """A server does not answer, refuses what it is told, or does not do it in time."""


class Place:
    """The servers of an instance, and its people.

    Args:
        writes: makes the files by which servers know people be as these are; whether they were not.
        says: tells the user what is done, a sentence each.
    """

    def __init__(
        self, home: Path, writes: Callable[[Iterable[Person]], bool], servers: Sequence[Server], says: Says
    ) -> None:
        self._home, self._writes, self._servers, self._says = home, writes, servers, says

    def admit(self, person: Person) -> bool:
        """Lets them in everywhere; whether anything was changed.

        Raises:
            UnansweredError: a server does not let them in. What was done stays; doing it again continues.
            OSError: a file cannot be written.
        """
        changed = self._note(person)
        for server in self._servers:
            changed |= self._bring(server, person, Standing.IN, server.admit)
        return changed

    def dismiss(self, person: Person) -> list[str]:
        """Takes them out everywhere; the addresses where their login was then tried and refused.

        Raises:
            UnansweredError: a server does not refuse them, or cannot be asked. Doing it again continues.
            OSError: a file cannot be written.
        """
        self._note(person)
        for server in self._servers:
            self._bring(server, person, Standing.OUT, server.dismiss)
        found = {
            f"{server.title}, {address}": standing
            for server in self._servers
            for address, standing in self._standing(server, person).items()
        }
        open_ = [address for address, standing in found.items() if standing is not Standing.OUT]
        if open_:
            raise UnansweredError(f"{'; '.join(open_)}: no longer refuses them, as it did before")
        people = read_people(self._home)
        del people[person.name]
        write_people(self._home, people)
        return list(found)

    def _note(self, person: Person) -> bool:
        """States the person, in the book and for the servers; whether that was a change."""
        people = read_people(self._home)
        known = people.get(person.name) == person
        if not known:
            people[person.name] = person
            write_people(self._home, people)
        return self._writes(people.values()) or not known

    def _bring(self, server: Server, person: Person, wanted: Standing, act: Callable[[Person], None]) -> bool:
        """Brings somebody to a standing with a server; whether they were not there yet."""
        # One that has just been started answers soon; what it answers then is looked at.
        self._await(lambda: bool(self._standing(server, person)), _ANSWERS)
        if self._is(server, person, wanted):
            return False
        try:
            act(person)
        except _TROUBLES as error:
            raise UnansweredError(f"{server.title}: {error}") from None
        if not self._await(lambda: self._is(server, person, wanted), _SECONDS):
            raise UnansweredError(
                f"{server.title}: after {_SECONDS:.0f} s it still does not "
                + ("let them in" if wanted is Standing.IN else "refuse them everywhere")
            )
        self._says(f"{server.title}: {'lets them in' if wanted is Standing.IN else 'refuses them'}")
        return True

    def _await(self, look: Callable[[], bool], seconds: float) -> bool:
        """Whether it is so, at once or in time.

        Raises:
            UnansweredError: the server does not answer then.
        """
        deadline = time.monotonic() + seconds
        while True:
            late = time.monotonic() >= deadline
            try:
                found = look()
                if found or late:
                    return found
            except UnansweredError:
                if late:
                    raise
            time.sleep(_PAUSE)

    def _is(self, server: Server, person: Person, wanted: Standing) -> bool:
        return all(found is wanted for found in self._standing(server, person).values())

    def _standing(self, server: Server, person: Person) -> dict[str, Standing]:
        try:
            return server.standing(person)
        except _TROUBLES as error:
            raise UnansweredError(f"{server.title} does not answer: {error}") from None
