"""The command itself: which instance, which exit code, what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_without_an_instance_it_says_how_to_make_one(cdc, tmp_path) -> None:
    code, out, err = cdc("status", "--home", tmp_path / "none")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: There is no instance in {tmp_path / 'none'}. Set it up with `make site`")


def test_wrong_usage_is_code_2(cdc, tmp_path) -> None:
    for arguments in (
        ["statsu"],
        ["status", "--nope"],
        ["logs", "-n", "-1", "--home", tmp_path],
        ["status", "--home", tmp_path, "--instance", "x"],
    ):
        code, out, err = cdc(*arguments)
        assert (code, out) == (2, ""), arguments
        assert "Error: " in err


def test_a_component_that_the_pipeline_does_not_have_is_named(cdc, instance_in) -> None:
    code, out, err = cdc("verify", "--component", "kafak", "--home", instance_in())
    assert (code, out) == (2, "")
    assert "kafak is not one of" in err and "kafka_connect" in err


def test_the_folder_comes_from_option_name_or_environment(cdc, instance_in, monkeypatch) -> None:
    here, there = instance_in("here"), instance_in("there")
    monkeypatch.setenv("CDC_HOME", str(here))
    assert json.loads(cdc("status", "--json")[1])["instance"] == "here"
    assert json.loads(cdc("status", "--json", "--home", there)[1])["instance"] == "there"
    monkeypatch.setattr("cdc_pipeline.cli.instance.FOLDER", here.parent)
    assert json.loads(cdc("status", "--json", "--instance", "there")[1])["instance"] == "there"


def test_what_the_playbooks_have_not_written_yet(cdc, instance_in) -> None:
    home = instance_in(plan=False, command="make INVENTORY=kind {}")
    code, _out, err = cdc("tables", "--home", home)
    assert code == 1
    assert f"{home}/verify-plan.json is missing. Set it up with `make INVENTORY=kind site`" in err
    (home / "verify-plan.json").write_text('{"endpoints": {}, "expectd": {}}')
    code, _out, err = cdc("sql", "SELECT 1", "--home", home)
    assert code == 1 and "expectd is unknown; did you mean expected?" in err
    (home / "instance.json").write_text("{}")
    assert "instance is missing" in cdc("status", "--home", home)[2]


@pytest.mark.skipif("os.geteuid() != 0", reason="takes another user")
def test_who_may_not_read_it_is_told_to_use_sudo(instance_in) -> None:
    home = instance_in()
    for folder in (home, *list(home.parents)[:2]):
        folder.chmod(0o755)
    (home / "supervisor").chmod(0o700)
    (home / "verify-plan.json").chmod(0o600)
    code = (
        "import os, sys; os.setgid(65534); os.setuid(65534); from cdc_pipeline.cli import main;"
        "sys.argv[0] = 'cdc'; sys.exit(main.main())"
    )
    for command in (["status"], ["logs"], ["sql", "SELECT 1"]):
        # What is imported is read as root, before.
        done = subprocess.run(
            [sys.executable, "-c", PRELOAD + code, *command, "--home", str(home)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert done.returncode == 1, done
        assert "belongs to root. Run it as root: sudo cdc ..." in done.stderr, done


PRELOAD = "".join(
    f"import cdc_pipeline.cli.{name};"
    for name in ("status", "logs", "sql", "state", "processes", "log_files", "masking")
)


def test_completion_knows_commands_and_components(instance_in, tmp_path) -> None:
    home = instance_in()
    replica = json.loads((Path(__file__).parent / "replica.json").read_text())
    for name in ("kafka-0", "kafka-connect-0", "archive-0"):
        (home / "supervisor" / "replicas" / f"{name}.json").write_text(json.dumps(replica | {"name": name}))

    def complete(*words: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cdc_pipeline.cli.main"],
            env={
                **os.environ,
                "_CDC_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(words),
                "COMP_CWORD": str(len(words) - 1),
                "CDC_HOME": str(home),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert complete("cdc", "s") == ["status", "sql", "silence"]
    assert complete("cdc", "logs", "kafka") == ["kafka", "kafka-0", "kafka-connect", "kafka-connect-0"]
    script = subprocess.run(
        [sys.executable, "-m", "cdc_pipeline.cli.main", "completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0 and "_CDC_COMPLETE=bash_complete" in script
