# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lets the unit tests import the collection by its name, and gives them the fakes."""

from __future__ import annotations

import importlib
import json
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collection_path import make_importable

make_importable()

from ansible.module_utils.testing import patch_module_args  # noqa: E402
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed  # noqa: E402

COLLECTION = "ansible_collections.cdc.pipeline"
# On a busy machine each example may take long.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def without_the_authorities_of_the_system() -> Iterator[None]:
    """No fake server has a certificate of theirs, and to load them costs more than all else that a request does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda _context: None)
        yield


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run a module's `main()` in this process, as the AnsiballZ wrapper would.

    The result has the module's text `stdout` besides its keys, to search for secrets.
    """

    # Tests of other plugins load Ansible's controller side, to which warnings would then go instead of into the result.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(name: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        module = importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")
        capsys.readouterr()
        # Each module has a process of its own, and so warnings of its own.
        monkeypatch.setattr("ansible.module_utils.common.warnings._global_warnings", {})
        with (
            patch_module_args({**options, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            module.main()
        text = capsys.readouterr().out
        result = json.loads(text)
        if result.get("failed"):
            raise ModuleFailed({**result, "stdout": text})
        return {**result, "stdout": text}

    return run


@pytest.fixture
def connect() -> Iterator[Any]:
    """A Kafka Connect worker."""
    fake = importlib.import_module(f"{COLLECTION}.tests.unit.fakes.connect").FakeConnect()
    with fake:
        yield fake


@pytest.fixture
def registry() -> Iterator[Any]:
    """A schema registry."""
    fake = importlib.import_module(f"{COLLECTION}.tests.unit.fakes.registry").FakeRegistry()
    with fake:
        yield fake


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Kafka cluster of three brokers, behind confluent-kafka's AdminClient."""
    pytest.importorskip("confluent_kafka")
    fakes = importlib.import_module(f"{COLLECTION}.tests.unit.fakes.kafka")
    admin = importlib.import_module(f"{COLLECTION}.plugins.module_utils._kafka.connection")
    cluster = fakes.FakeCluster()
    monkeypatch.setattr(admin, "AdminClient", cluster.client)
    return cluster
