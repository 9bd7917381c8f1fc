"""`cdc user`: what is refused before anything is changed.

tests/system/local/trouble/test_people.py makes real logins.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shop import plan_document

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="cdc user wants root")


@pytest.fixture
def secured(instance_in) -> Path:
    """An instance with logins, whose servers do not run."""
    home = instance_in()
    plan = plan_document()
    plan["endpoints"]["kafka"]["users"] = {"kafka_admin": "x", "dashboards": "x"}
    (home / "verify-plan.json").write_text(json.dumps(plan))
    (home / "people").mkdir()
    return home


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*")}


@pytest.mark.parametrize("name", ["Ada", "a", "ada.b", "kafka_ada", "dashboards", "reader", "-x", "a b"])
def test_names_that_nobody_may_have(cdc, secured: Path, name: str) -> None:
    before = files(secured)
    code, out, err = cdc("user", "add", "--home", secured, "--", name)
    assert (code, out) == (2, "")
    assert "NAME" in err
    assert files(secured) == before


def test_in_a_cluster_that_is_not_reached_nothing_is_changed(cdc, secured: Path) -> None:
    note = json.loads((secured / "instance.json").read_text())
    cluster = {"kubeconfig": "/none", "context": "", "namespace": "n"}
    (secured / "instance.json").write_text(json.dumps({**note, "runtime": "kubernetes", "cluster": cluster}))
    # The files of people on a host have no meaning here.
    (secured / "people").rmdir()
    before = files(secured)
    code, _out, err = cdc("user", "add", "ada", "--home", secured)
    assert code == 1 and "cannot be reached" in err and "/none" in err
    assert files(secured) == before
    assert cdc("user", "list", "--home", secured)[0] == 0


def test_without_security_there_is_nothing_to_give_a_login_for(cdc, instance_in) -> None:
    home = instance_in()
    code, _out, err = cdc("user", "add", "ada", "--home", home)
    assert code == 1 and "cdc_security: false" in err and "`make site`" in err
    assert "people.json" not in {path.name for path in home.rglob("*")}


def test_an_instance_of_an_earlier_version_is_to_be_set_up_again(cdc, secured: Path) -> None:
    (secured / "people").rmdir()
    code, _out, err = cdc("user", "add", "ada", "--home", secured)
    assert code == 1 and f"{secured}/people is missing" in err and "`make site`" in err


def test_who_is_not_there_need_not_be_removed(cdc, secured: Path) -> None:
    before = files(secured)
    code, out, _err = cdc("user", "remove", "ada", "--home", secured)
    assert code == 0 and "There is no ada" in out
    assert files(secured) == before
    assert "No person has a login" in cdc("user", "list", "--home", secured)[1]


def test_a_right_is_not_changed_in_passing(cdc, secured: Path) -> None:
    (secured / "credentials" / "people.json").write_text(
        json.dumps({"ada": {"right": "reader", "password": "hunter2"}})
    )
    code, out, err = cdc("user", "add", "ada", "--operator", "--home", secured)
    assert code == 1 and "as a reader, and nothing was changed" in err and "cdc user remove ada" in err
    listed = json.loads(cdc("user", "list", "--json", "--home", secured)[1])
    assert listed == [{"name": "ada", "right": "reader", "leaving": False}]
    assert "hunter2" not in out + err


def test_it_does_not_work_beside_a_playbook(cdc, secured: Path) -> None:
    start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    lock = {"pid": os.getpid(), "start": start, "command": "ansible-playbook site.yml", "since": ""}
    (secured / "run.lock").write_text(json.dumps(lock))
    code, _out, err = cdc("user", "add", "ada", "--home", secured)
    assert code == 1 and f"process {os.getpid()}: ansible-playbook site.yml" in err
