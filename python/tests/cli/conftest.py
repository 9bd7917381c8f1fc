"""An archive of real tiles, and instances in folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shop import Registry, Shop, plan_document, serve


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server = serve(Registry)
    yield Shop(tmp_path / "bucket", f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def instance_in(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of an instance as the playbooks leave it."""

    def make(name: str = "here", plan: bool = True, **note: Any) -> Path:
        home = tmp_path / name
        (home / "supervisor" / "replicas").mkdir(parents=True, exist_ok=True)
        (home / "log").mkdir(exist_ok=True)
        (home / "credentials").mkdir(exist_ok=True)
        document = {"instance": name, "runtime": "local", "command": "make {}", "cluster": None, "forwards": [], **note}
        (home / "instance.json").write_text(json.dumps(document))
        if plan:
            (home / "verify-plan.json").write_text(json.dumps(plan_document()))
        return home

    return make


@pytest.fixture
def cdc(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command: its exit code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        from cdc_pipeline.cli.main import main

        monkeypatch.setattr(sys, "argv", ["cdc", *map(str, arguments)])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
