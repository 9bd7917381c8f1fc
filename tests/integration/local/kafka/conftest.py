# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Three brokers as the role kafka states them, with its users and rules."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "python/src")]

from collection_path import make_importable  # noqa: E402
from role_defaults import catalogue  # noqa: E402

make_importable()

from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import lookup_loader  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.builder import Builder  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import read_catalogue  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka import acl, topic, user  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome  # noqa: E402
from lab import Lab, running  # noqa: E402

CACHE = Path(os.environ.get("CDC_CACHE") or "/var/cache/cdc-pipeline")
TABLES = ["public.users", "public.orders"]


@pytest.fixture(scope="session")
def artifacts() -> dict[str, Path]:
    chosen = {name: item for name, item in catalogue().items() if name in ("kafka", "python")}
    found = {artifact.name: artifact for artifact in read_catalogue(chosen, CACHE)}
    Builder(CACHE, "/usr/bin/python3").build([artifact for artifact in found.values() if not artifact.present])
    return {name: artifact.path for name, artifact in found.items()}


class Cluster:
    """What the modules do, and what the roles state."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._settings = lab.settings()

    def _options(self, **other: Any) -> dict[str, Any]:
        connection = {"bootstrap_servers": self.lab.servers, "client_config": self.lab.client("kafka_admin")}
        return {**connection, "retry_timeout": 30, "wait_timeout": 60, **other}

    def users(self, check: bool = False, **other: Any) -> Outcome:
        """As the role has them."""
        users = [{"name": name, "password": password} for name, password in self.lab.passwords.items()]
        fixed = {"state": "present", "mechanism": "SCRAM-SHA-512", "update_password": "always", "sign_in": None}
        iterations = int(self._settings.in_role("kafka").value("__kafka_iterations"))
        return user.reconcile(self._options(**{"users": users, "iterations": iterations, **fixed, **other}), check)

    def as_broker(self) -> dict[str, Any]:
        """How the role makes users on a host: with a broker's certificate."""
        home = self.lab.home / "kafka-0"
        config = {
            "security.protocol": "SSL",
            "ssl.ca.location": str(home / "config/tls/ca.pem"),
            "ssl.certificate.location": str(home / "config/tls/certificate.pem"),
            "ssl.key.location": str(home / "secrets/tls/keystore.pem"),
        }
        sign_in = {"bootstrap_servers": self.lab.servers, "client_config": self.lab.client("kafka_admin")}
        servers = f"127.0.0.1:{self.lab.port('broker')}"
        return {"bootstrap_servers": servers, "client_config": config, "sign_in": sign_in}

    def topics(self, names: list[str], **other: Any) -> Outcome:
        defaults = {"partitions": 2, "replication_factor": 3, "config": {}, "purge_config": False, "state": "present"}
        topics = [{"name": name} for name in names]
        return topic.reconcile(self._options(topics=topics, **{**defaults, **other}), False)

    def rules(self, acls: list[dict[str, Any]], check: bool = False, **other: Any) -> Outcome:
        filled = [{"pattern": "literal", "permission": "allow", "host": "*", **each} for each in acls]
        options = {"acls": filled, "state": "present", "exact_principals": [], **other}
        return acl.reconcile(self._options(**options), check)

    def stated(self, **options: Any) -> list[dict[str, Any]]:
        """What the roles state: rules, or proofs."""
        settings = self._settings
        lookup = lookup_loader.get("cdc.pipeline.kafka_acls", loader=DataLoader(), templar=settings._templar)
        # As modules get it, without Ansible's kinds of text.
        return json.loads(json.dumps(lookup.run([], variables=settings._variables, **options)))


@pytest.fixture(scope="session")
def cluster(artifacts: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    lab = Lab(tmp_path_factory.mktemp("brokers"), artifacts, cdc_tables=TABLES)
    with running(lab):
        yield Cluster(lab)
