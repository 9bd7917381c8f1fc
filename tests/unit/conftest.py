# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lets the unit tests run by plain pytest as well as by `ansible-test units`, and gives them the fakes."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _make_importable() -> None:
    """Put the collection where Ansible's own loader finds it, whatever folder the checkout has."""
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return  # ansible-test has done so
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    for name in [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]:
        del sys.modules[name]
    home = Path(tempfile.mkdtemp(prefix="cdc-unit-"))
    namespace = home / "ansible_collections" / "cdc"
    namespace.mkdir(parents=True)
    (namespace / "pipeline").symlink_to(ROOT, target_is_directory=True)
    _AnsibleCollectionFinder(paths=[str(home)])._install()


_make_importable()

from ansible.module_utils.testing import patch_module_args  # noqa: E402

COLLECTION = "ansible_collections.cdc.pipeline"


class ModuleFailed(Exception):
    """A module left by `fail_json`. :param result: what it said."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module's `main()` in this process, as the AnsiballZ wrapper would.

    The result has the module's text `stdout` besides its keys, to search for secrets.
    """

    def run(name: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        module = importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")
        capsys.readouterr()
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
    admin = importlib.import_module(f"{COLLECTION}.plugins.module_utils._kafka_admin")
    cluster = fakes.FakeCluster()
    monkeypatch.setattr(admin, "AdminClient", cluster.client)
    return cluster
