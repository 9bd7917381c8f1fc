"""The files by which servers know people."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdc_pipeline.endpoints import Login
from cdc_pipeline.people.logins import LOGINS, OPERATOR, READER, REGISTRY, Person, read_logins, texts, write_logins

ADA, BOB, EVE = Person("ada", READER, "a1"), Person("bob", OPERATOR, "b1"), Person("eve", READER, "e1", leaving=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the set-up makes it."""
    for name in (LOGINS, REGISTRY):
        (tmp_path / name).touch(mode=0o400)
    return tmp_path


def test_each_server_has_its_words_for_rights_and_who_is_leaving_has_none() -> None:
    assert texts([BOB, EVE, ADA]) == {
        LOGINS: "reader.ada=a1\nwriter.bob=b1\n",
        REGISTRY: "quarkus.security.users.embedded.users.ada=a1\nquarkus.security.users.embedded.roles.ada=read\n"
        "quarkus.security.users.embedded.users.bob=b1\nquarkus.security.users.embedded.roles.bob=read,write\n",
    }


def test_what_is_written_is_read_and_written_once(folder: Path) -> None:
    assert write_logins(folder, [BOB, ADA, EVE])
    assert not write_logins(folder, [ADA, BOB])
    found = list(read_logins(str(folder / LOGINS)))
    assert found == [(Login("ada", "a1"), READER), (Login("bob", "b1"), OPERATOR)]
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {LOGINS: 0o400, REGISTRY: 0o400}
    assert write_logins(folder, [])
    assert list(read_logins(str(folder / LOGINS))) == []


def test_where_the_set_up_made_no_files_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=LOGINS):
        write_logins(tmp_path, [ADA])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["reader.ada", "reader.=x", "editor.ada=x", "=x", "reader.ada="])
def test_a_line_of_another_form_lets_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / LOGINS).write_text(f"{text}\nreader.bob=b1\n")
    assert [login.username for login, _right in read_logins(str(tmp_path / LOGINS))] == ["bob"]


def test_no_file_is_nobody(tmp_path: Path) -> None:
    assert list(read_logins(str(tmp_path / LOGINS))) == []
