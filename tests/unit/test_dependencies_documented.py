# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is downloaded stands in docs/dependencies.md with its licence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
LOCKED = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "roles/artifacts/files/services.txt").read_text(), re.MULTILINE)
DEFAULTS = yaml.safe_load((ROOT / "roles/artifacts/defaults/main.yml").read_text())


@pytest.mark.parametrize("package", LOCKED)
def test_every_python_package_of_the_services(package):
    short = re.sub(r"-(binary|runtime-32)$", "", package)
    assert re.search(rf"(?<![\w-]){re.escape(short)}(?![\w-])", TEXT, re.IGNORECASE), f"add {package} and its licence"


# The names in the template that chooses them by runtime, without a version.
PACKAGES = [name.rstrip("-") for name in re.findall(r"\['([a-z-]+)'", DEFAULTS["artifacts_debian_packages"])]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_debian_package(package):
    assert f"`{package}" in TEXT


def test_the_debian_packages_are_found():
    assert PACKAGES == ["postgresql", "maven"]
