"""Each variant is rendered once for all tests."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from rendering import VARIANTS, render

Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a variant's manifests."""
    base = tmp_path_factory.mktemp("rendered")

    @functools.cache
    def outcome(variant: str) -> RuntimeError | None:
        try:
            render(variant, base / variant)
        except RuntimeError as error:
            return error
        return None

    def of(variant: str) -> Path:
        error = outcome(variant)
        if error:
            raise error
        return base / variant

    return of


@pytest.fixture(scope="session", params=list(VARIANTS))
def manifests(request: pytest.FixtureRequest, rendered: Callable[[str], Path]) -> dict[str, Manifest]:
    """Every manifest of each variant in turn, by its path."""
    return read(rendered(request.param))


def read(folder: Path) -> dict[str, Manifest]:
    """The manifests in ``folder`` by their paths."""
    found = {str(path.relative_to(folder)): yaml.safe_load(path.read_text()) for path in folder.glob("*/*.yaml")}
    return dict(sorted(found.items()))
