# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Credentials are made once, kept private, and never shown in a difference."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture
def run(run_module, tmp_path, monkeypatch):
    disk = importlib.import_module("ansible_collections.cdc.pipeline.plugins.module_utils._disk")
    module = importlib.import_module("ansible_collections.cdc.pipeline.plugins.modules.credentials")
    monkeypatch.setattr(module, "Disk", lambda: disk.Disk(root=False))

    def call(check=False, **options):
        return run_module("credentials", check=check, home=str(tmp_path / "home"), **options)

    return call


def test_makes_what_is_missing_once(run, tmp_path):
    dry = run(check=True, names=["a", "b"])
    assert dry["changed"] and dry["created"] == ["a", "b"] and not (tmp_path / "home").exists()
    assert dry["credentials"] == {"a": "to-be-made-a", "b": "to-be-made-b"}
    real = run(names=["a", "b"])
    assert real["created"] == ["a", "b"] and len(set(real["credentials"].values())) == 2
    assert all(len(value) == 32 and value.isalnum() and value[0].isalpha() for value in real["credentials"].values())
    assert (tmp_path / "home" / "credentials" / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home" / "credentials").stat().st_mode & 0o777 == 0o700
    again = run(names=["a", "b"])
    assert not again["changed"] and again["credentials"] == real["credentials"]
    assert "diff" not in again


def test_a_given_value_wins(run):
    run(names=["a"])
    assert run(names=["a"], given={"a": "chosen-by-the-user"})["credentials"]["a"] == "chosen-by-the-user"
    # Taken back out of the inventory it stays, since it is in use.
    assert run(names=["a"])["credentials"]["a"] == "chosen-by-the-user"
    assert run(names=["a"], given={"a": ""})["credentials"]["a"] == "chosen-by-the-user"
    assert run(names=[], given={"b": "x"})["credentials"] == {"b": "x"}


def test_rotation(run):
    first = run(names=["a", "b"])["credentials"]
    dry = run(check=True, names=["a", "b"], rotate=["a"])
    assert dry["created"] == ["a"] and run(names=["a", "b"])["credentials"] == first
    second = run(names=["a", "b"], rotate=["a"])["credentials"]
    assert second["a"] != first["a"] and second["b"] == first["b"]


def test_the_difference_shows_no_value(run):
    result = run(names=["a"], given={"b": "hidden-value"})
    assert "hidden-value" not in str(result["diff"]) and "hidden-value" not in str(result["invocation"])


def test_a_loose_mode_is_mended(run, tmp_path):
    run(names=["a"])
    file = tmp_path / "home" / "credentials" / "a"
    file.chmod(0o644)
    assert run(check=True, names=["a"])["changed"]
    assert run(names=["a"])["changed"] and file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["../x"]}, "Not a name of a credential: ../x"),
        ({"names": ["a"], "rotate": ["b"]}, "Cannot rotate b"),
        ({"names": ["a"], "given": {"a": "x"}, "rotate": ["a"]}, "Cannot rotate a"),
        ({"names": ["a"], "length": 4}, "A length of 4 is too short"),
    ],
)
def test_senseless_requests(run, options, message):
    with pytest.raises(Exception, match=message):
        run(**options)
