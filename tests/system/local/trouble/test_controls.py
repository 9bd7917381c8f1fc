# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One control of the secured pipeline is taken away: a check fails, names it, and holds again once it is back."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from site_runs import Site
from waiting import until

READER = "User:kafka_reader"
ANY = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, READER, None, AclOperation.ANY, AclPermissionType.ANY
)
# Seconds for a process that has been started again.
READY = 300


@dataclass(frozen=True)
class Secured:
    """A running pipeline with `cdc_security`."""

    site: Site

    @property
    def home(self) -> Path:
        return self.site.home

    def failed(self, *components: str) -> dict[str, object]:
        """What the checks that fail found, by their ids."""
        chosen = [part for name in components for part in ("--component", name)]
        command = [self.home / "bin/cdc", "verify", *chosen, "--json", "--home", self.home]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode in (0, 1), done.stderr
        return {row["id"]: row["found"] for row in json.loads(done.stdout) if not row["ok"]}

    def holds(self, *components: str) -> None:
        until(lambda: self.failed(*components), lambda failed: not failed, READY, "all checks hold", pause=2)

    @contextmanager
    def without(self, file: str, pattern: str, replica: str, *components: str) -> Iterator[None]:
        """The replica runs without the lines of the file that match, which are there again afterwards."""
        path = self.home / replica / file
        before = path.read_text()
        after = re.sub(pattern, "", before, flags=re.MULTILINE)
        assert after != before, f"{pattern} is not in {path}"
        try:
            # As it is, with owner and mode.
            path.write_text(after)
            self.site.kill(replica)
            yield
        finally:
            path.write_text(before)
            self.site.kill(replica)
            self.holds(*components)

    def admin(self) -> AdminClient:
        where = self.site.endpoints()["kafka"]
        return AdminClient({"bootstrap.servers": where["bootstrap_servers"], **where["client"]})


@pytest.fixture(scope="module")
def secured(running: Site) -> Secured:
    assert running.endpoints()["kafka"]["client"], "these tests need an instance with cdc_security: true"
    found = Secured(running)
    found.holds("certificates", "kafka")
    return found


@pytest.mark.parametrize("file", ["archive-0/secrets/tls/key.pem", "credentials/kafka_reader", "endpoints.json"])
def test_the_mode_of_a_file_with_a_secret(secured: Secured, file: str):
    path = secured.home / file
    mode = path.stat().st_mode
    path.chmod(mode | 0o044)
    try:
        failed = secured.failed("certificates")
    finally:
        path.chmod(mode)
    assert list(failed) == ["certificates.key_files"] and list(failed["certificates.key_files"]) == [str(path)]
    secured.holds("certificates")


def test_a_right_that_is_missing(secured: Secured):
    admin = secured.admin()
    stated = admin.describe_acls(ANY).result()
    admin.delete_acls([ANY])[ANY].result()
    try:
        failed = secured.failed("kafka")
    finally:
        for each in admin.create_acls(stated).values():
            each.result()
    assert any(id.startswith("kafka.right.") and "reader" in id for id in failed), failed
    secured.holds("kafka")


def test_a_right_too_many(secured: Secured):
    admin = secured.admin()
    more = AclBinding(
        ResourceType.TOPIC, "*", ResourcePatternType.LITERAL, READER, "*", AclOperation.ALL, AclPermissionType.ALLOW
    )
    admin.create_acls([more])[more].result()
    try:
        failed = secured.failed("kafka")
    finally:
        mine = AclBindingFilter(
            ResourceType.TOPIC, "*", ResourcePatternType.LITERAL, READER, "*", AclOperation.ALL, AclPermissionType.ALLOW
        )
        admin.delete_acls([mine])[mine].result()
    assert any(id.startswith("kafka.right.") and "reader" in id for id in failed), failed
    secured.holds("kafka")


@pytest.mark.full
def test_a_listener_without_encryption(secured: Secured):
    pattern = r"^ +(certificate|key)_file: .*archive-0/(config|secrets)/tls.*\n"
    with secured.without("config/archive.yml", pattern, "archive-0", "certificates", "archive"):
        until(
            lambda: secured.failed("certificates"),
            lambda failed: "does not speak TLS" in str(failed.get("certificates.trust")),
            READY,
            "the archive listens without TLS",
            pause=2,
        )
        failed = secured.failed("certificates")
        assert "HTTP is answered" in str(failed["certificates.ports.encrypted"])


@pytest.mark.full
def test_a_worker_that_asks_nobody_for_a_login(secured: Secured):
    pattern = r"^rest\.extension\.classes=.*\n"
    with secured.without("config/worker.properties", pattern, "kafka-connect-0", "certificates"):
        failed = until(
            lambda: secured.failed("certificates"),
            lambda failed: "/connectors" in str(failed.get("certificates.ports.login")),
            READY,
            "connectors are shown to everybody",
            pause=2,
        )
        assert set(failed) == {"certificates.ports.login"}


@pytest.mark.full
def test_the_key_of_the_store(secured: Secured):
    """Without these sections the port of its volumes serves everybody, and takes requests that are not signed."""
    pattern = r"^\[(https\.volume|jwt\.signing|jwt\.signing\.read)\]\n(.+ = .*\n)+"
    with secured.without("secrets/security.toml", pattern, "object-store-0", "object_store", "certificates"):
        failed = until(
            lambda: secured.failed("object_store", "certificates"),
            lambda failed: any(id.startswith("object_store.port.") for id in failed),
            READY,
            "the port of the volumes answers",
            pause=2,
        )
        assert "HTTP is answered" in str(failed["certificates.ports.encrypted"])


@pytest.mark.full
def test_a_database_that_lets_everybody_in(secured: Secured):
    path = secured.home / "postgresql-0/config/pg_hba.conf"
    before = path.read_text()
    where = PostgresqlEndpoint(**secured.site.endpoints()["postgresql"])
    with postgresql.connect(where) as connection:
        path.write_text("host all all all trust\n" + before)
        try:
            connection.execute("SELECT pg_reload_conf()")
            failed = until(lambda: secured.failed("certificates"), bool, READY, "everybody is let in", pause=1)
        finally:
            path.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
    assert "PostgreSQL is answered" in str(failed["certificates.ports.encrypted"])
    assert "without a password" in str(failed["certificates.ports.login"])
    secured.holds("certificates")


def test_the_next_run_puts_back_what_was_taken_away(secured: Secured):
    """The mode of a file, here."""
    path = secured.home / "archive-0/secrets/tls/key.pem"
    path.chmod(0o444)
    secured.site.run("--tags", "archive").must_succeed()
    assert path.stat().st_mode & 0o777 == 0o400
