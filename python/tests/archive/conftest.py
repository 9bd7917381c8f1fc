"""Fixtures for tests against running servers, whose addresses the file named by CDC_ENDPOINTS holds."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def endpoints() -> dict[str, Any]:
    """The servers' addresses and credentials."""
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS is not set")
    return json.loads(Path(path).read_text())


@pytest.fixture
def lab(endpoints: dict[str, Any], tmp_path: Path) -> Iterator[Any]:
    """A topic, a prefix, a group and a subject of the test's own."""
    from lab import Lab

    lab = Lab(endpoints, f"a-test-{uuid.uuid4().hex[:8]}", tmp_path)
    try:
        yield lab
    finally:
        lab.clean()
