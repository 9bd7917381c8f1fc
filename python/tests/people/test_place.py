"""The order of what is done, when it is interrupted, and when it is done again. Servers are in memory here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cdc_pipeline.people import place as module
from cdc_pipeline.people.book import read_people
from cdc_pipeline.people.logins import LOGINS, READER, REGISTRY, Person, write_logins
from cdc_pipeline.people.place import Place, UnansweredError
from cdc_pipeline.people.standing import Standing

ADA = Person("ada", READER, "a1")
LEAVING = replace(ADA, leaving=True)


class Memory:
    """A server that knows who was admitted. ``deaf``: it does not answer. ``lax``: it forgets nobody."""

    def __init__(self, title: str) -> None:
        self.title, self.known = title, set[str]()
        self.deaf = self.lax = False
        self.acts: list[str] = []

    def standing(self, person: Person) -> dict[str, Standing]:
        if self.deaf:
            raise OSError("connection refused")
        return {f"{self.title}:1": Standing.IN if person.name in self.known else Standing.OUT}

    def admit(self, person: Person) -> None:
        self.acts.append("admit")
        self.known.add(person.name)

    def dismiss(self, person: Person) -> None:
        self.acts.append("dismiss")
        if not self.lax:
            self.known.discard(person.name)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    monkeypatch.setattr(module, "_ANSWERS", 0.1)
    monkeypatch.setattr(module, "_PAUSE", 0.01)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("credentials", "people"):
        (tmp_path / name).mkdir()
    for name in (LOGINS, REGISTRY):
        (tmp_path / "people" / name).touch()
    return tmp_path


def place_of(home: Path, servers: Sequence[Memory], says: Callable[[str], None]) -> Place:
    return Place(home, lambda people: write_logins(home / "people", people), servers, says)


def test_a_second_time_changes_nothing(home: Path) -> None:
    servers, said = [Memory("one"), Memory("two")], []
    place = place_of(home, servers, said.append)
    assert place.admit(ADA)
    assert not place.admit(ADA)
    assert [server.acts for server in servers] == [["admit"], ["admit"]]
    assert said == ["one: lets them in", "two: lets them in"]
    assert read_people(home) == {"ada": ADA}
    assert (home / "people" / LOGINS).read_text() == "reader.ada=a1\n"


def test_what_was_interrupted_goes_on(home: Path) -> None:
    one, two = Memory("one"), Memory("two")
    two.deaf = True
    place = place_of(home, [one, two], lambda _said: None)
    with pytest.raises(UnansweredError, match="two does not answer: connection refused"):
        place.admit(ADA)
    # The password is known, so that the next time is about the same login.
    assert read_people(home) == {"ada": ADA}
    two.deaf = False
    assert place.admit(ADA)
    assert (one.acts, two.acts) == (["admit"], ["admit"])


def test_who_is_removed_is_forgotten_once_every_server_refuses(home: Path) -> None:
    one, two = Memory("one"), Memory("two")
    place = place_of(home, [one, two], lambda _said: None)
    place.admit(ADA)
    two.lax = True
    with pytest.raises(UnansweredError, match="two: after 0 s it still does not refuse them"):
        place.dismiss(LEAVING)
    assert read_people(home) == {"ada": LEAVING}
    assert (home / "people" / LOGINS).read_text() == ""
    two.lax = False
    assert place.dismiss(LEAVING) == ["one, one:1", "two, two:1"]
    assert read_people(home) == {}


def test_a_server_that_is_silent_proves_nothing(home: Path) -> None:
    one = Memory("one")
    place = place_of(home, [one], lambda _said: None)
    place.admit(ADA)
    one.deaf = True
    with pytest.raises(UnansweredError, match="one does not answer"):
        place.dismiss(LEAVING)
    assert read_people(home) == {"ada": LEAVING}
