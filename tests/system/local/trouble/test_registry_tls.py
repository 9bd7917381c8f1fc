# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The schema registry of a running instance begins to speak TLS, and stops: only its declaration changes.

With `cdc_security` it always does. These tests have an instance of their own without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from archived import context_of, objects_of, rows_of
from certificates import Served, certificate_for, plain_http_is_refused, strangers_are_refused
from conftest import OFFSET_FRESH
from flow import flowing
from site_runs import ROOT, UNWATCHED, Run, Site
from test_check_mode import changes

pytestmark = pytest.mark.full

KEY = "schema-registry-0/secrets/tls/key.pem"
RESTARTED = {"schema-registry-0", "kafka-connect-0", "archive-0"}


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    name = f"plain-{uuid.uuid4().hex[:6]}"
    variables = {**UNWATCHED, "cdc_security": False}
    site = Site(name, OFFSET_FRESH, Path("/var/lib/cdc-pipeline") / name, variables=variables)
    try:
        site.run().must_succeed()
        yield site
    finally:
        site.remove()


@pytest.fixture(scope="module")
def served() -> Served:
    return certificate_for("schema-registry")


@pytest.fixture(scope="module")
def declared(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Options of a run with the declaration."""
    file = tmp_path_factory.mktemp("tls") / "variables.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(served.variables("schema_registry")))
    return f"-e@{file}"


@pytest.fixture(scope="module")
def before(running: Site) -> dict[str, int]:
    """The processes without TLS."""
    running.run(playbook="playbooks/verify.yml").must_succeed()
    return running.processes()


@pytest.fixture(scope="module")
def encrypted(running: Site, before: dict[str, int], declared: str) -> Iterator[Run]:
    """The run that makes it encrypt, with all that Ansible can be made to say, while changes are made."""
    yield switch(running, declared)
    if (running.home / "trust").exists():
        running.run().must_succeed()


def switch(site: Site, *arguments: str) -> Run:
    """A run while changes are made, each of which arrives once; then verification, for which there must be none."""
    with flowing(site.context()) as changes_made:
        run = site.run("--diff", "-vvv", "--skip-tags", "verify", *arguments).must_succeed()
        changes_made.arrived()
    verified = site.run("-vvv", *arguments, playbook="playbooks/verify.yml").must_succeed()
    return Run(0, run.output + verified.output)


@pytest.fixture(scope="module")
def table(running: Site, encrypted: Run) -> Iterator[str]:
    """A table that is not captured yet, so that its schema is not in the registry."""
    name = f"public.trouble_{uuid.uuid4().hex[:6]}"
    with context_of(running).postgresql() as connection:
        connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
        connection.execute(f"INSERT INTO {name} VALUES (1), (2), (3)")
    yield name
    with context_of(running).postgresql() as connection:
        connection.execute(f"DROP TABLE {name}")


def holding(folder: Path, text: str) -> set[str]:
    """Names of the files below ``folder`` in which ``text`` stands."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)) for path in files if text.encode() in path.read_bytes()}


def key_text(served: Served) -> str:
    """A line of the key that is in no other; the first one says what kind of key it is."""
    return served.key.splitlines()[2]


def cdc(site: Site, *arguments: str) -> str:
    command = [site.home / "bin/cdc", *arguments, "--home", site.home]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_check_mode_says_what_would_change(running: Site, before: dict[str, int], declared: str, served: Served):
    run = running.run("--check", "--diff", "--skip-tags", "verify", declared).must_succeed()
    shown = " ".join(changes(run))
    assert all(f"until ready: {name}" in shown for name in ("schema-registry", "kafka-connect", "archive"))
    assert key_text(served) not in run.output
    assert running.processes() == before and not (running.home / "trust").exists()


def test_the_declaration_alone_makes_it_encrypt(running: Site, before: dict[str, int], encrypted: Run):
    """All checks of verification hold, which are clients of the registry themselves."""
    after = running.processes()
    assert {name for name in before if after[name] != before[name]} == RESTARTED
    assert running.endpoints()["schema_registry"]["url"].startswith("https://")


def test_the_key_is_in_one_place(running: Site, encrypted: Run, served: Served):
    assert key_text(served) not in encrypted.output
    assert holding(running.home, key_text(served)) == {KEY}
    assert (running.home / KEY).stat().st_mode & 0o777 == 0o400


def test_nothing_answers_without_encryption(running: Site, encrypted: Run):
    url = httpx.URL(running.endpoints()["schema_registry"]["url"])
    management = yaml.safe_load((ROOT / "roles/common/defaults/main/endpoints.yml").read_text())["__cdc_endpoints"][
        "schema_registry"
    ]["ports"]["management"]["port"]
    plain_http_is_refused(f"http://127.0.0.1:{url.port}/apis/ccompat/v7/subjects")
    plain_http_is_refused(f"http://127.0.0.1:{management + running.offset}/health/ready")
    strangers_are_refused(str(url))


def test_a_second_run_changes_nothing(running: Site, encrypted: Run, declared: str):
    assert changes(running.run(declared).must_succeed()) == []


def test_modules_trust_it_by_its_authority(running: Site, encrypted: Run, tmp_path: Path):
    registry = running.endpoints()["schema_registry"]
    subject = f"trouble-{uuid.uuid4().hex[:6]}"
    schema = {"type": "record", "name": "User", "fields": [{"name": "id", "type": "long"}]}

    def play(ca: dict[str, str], module: str, **options: Any) -> Run:
        task = {
            "name": "Ask",
            f"cdc.pipeline.{module}": {"url": registry["url"], **registry["writer"], **ca, **options},
        }
        file = tmp_path / "play.yml"
        file.write_text(json.dumps([{"hosts": "cdc", "gather_facts": False, "tasks": [task]}]))
        return running.run(playbook=str(file))

    ca = {"ca_path": registry["ca"]}
    assert play(ca, "schema_registry_subject", subject=subject, schema=schema).must_succeed().changed == 1
    play(ca, "schema_registry_subject_info", subject=subject).must_succeed()
    play({}, "schema_registry_subject_info", subject=subject).must_fail_with("CERTIFICATE_VERIFY_FAILED", "ca_path")
    play(ca, "schema_registry_subject", subject=subject, state="absent", permanent=True).must_succeed()


def test_the_command_works(running: Site, encrypted: Run):
    assert "public.users" in cdc(running, "tables")
    cdc(running, "verify")
    assert "users" in cdc(running, "sql", "SELECT count(*) AS users FROM users")


def test_the_load_tool_works(running: Site, encrypted: Run, tmp_path: Path):
    command = [sys.executable, "-m", "cdc_pipeline.load", "--plan", running.home / "verify-plan.json"]
    done = subprocess.run(
        [*command, "--output", tmp_path, "--rate", "100", "--seconds", "5", "--warmup-seconds", "2"],
        cwd=ROOT / "python/src",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    counts = json.loads((tmp_path / "load_test-100.json").read_text())["exactly_once"]
    for place in ("kafka", "objects"):
        assert (counts[place]["lost"], counts[place]["duplicates"]) == (0, 0), done.stdout + done.stderr
    assert counts["kafka"]["sent"] > 0


def test_a_new_schema_is_registered_and_read(running: Site, table: str, declared: str):
    """By Kafka Connect's converter and by the archive, which have not seen it."""
    shared = yaml.safe_load((ROOT / "roles/common/defaults/main/pipeline.yml").read_text())["cdc_tables"]
    running.run("--tags", "connectors,archive,verify", declared, cdc_tables=[*shared, table]).must_succeed()
    objects = objects_of(context_of(running), table, 3)
    assert sorted(row["id"] for row in rows_of(objects)) == [1, 2, 3]


def test_without_the_declaration_all_is_as_it_was(running: Site, encrypted: Run, served: Served):
    run = switch(running)
    registry = running.endpoints()["schema_registry"]
    assert (registry["url"].partition(":")[0], registry["ca"]) == ("http", "")
    assert key_text(served) not in run.output
    files = [path.relative_to(running.home) for path in running.home.rglob("*") if not path.is_dir()]
    assert not [each for each in files if {"trust", "tls"} & set(each.parts)] and not (running.home / "trust").exists()
    assert holding(running.home, served.ca.splitlines()[1]) == set()
    assert changes(running.run().must_succeed()) == []
