"""Manifests of the real roles, against what a person has read.

manifests/kind holds every file of the inventory kind; manifests/<variant>.diff how a variant differs from it, or from
the one that it is compared with.
After an intended change: `CDC_GOLDEN=write pytest tests/golden/test_golden.py`, then read the difference.
"""

from __future__ import annotations

import base64
import difflib
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from rendering import COMPARED, ROOT, VARIANTS, render

GOLDEN = Path(__file__).parent / "manifests"
WRITE = os.environ.get("CDC_GOLDEN") == "write"
BASE = "kind"


def texts(folder):
    """The files of ``folder``, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}


def difference(before, after):
    """How the files ``after`` differ from the files ``before``, as a unified diff without context."""
    lines = []
    for path in sorted(before | after):
        old, new = (files.get(path, "").splitlines(keepends=True) for files in (before, after))
        if path not in after:
            lines.append(f"--- {path} is not there\n")
            continue
        lines += difflib.unified_diff(old, new, path if path in before else "/dev/null", path, n=0)
    return "".join(lines)


def test_the_files_are_as_they_were_read(rendered):
    found = texts(rendered(BASE))
    if WRITE:
        shutil.rmtree(GOLDEN / BASE, ignore_errors=True)
        shutil.copytree(rendered(BASE), GOLDEN / BASE)
    unread = difference(texts(GOLDEN / BASE), found)
    assert not unread, f"differs from {GOLDEN / BASE}:\n{unread}"


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != BASE])
def test_a_variant_differs_as_it_was_read(variant, rendered):
    found = difference(texts(rendered(COMPARED.get(variant, BASE))), texts(rendered(variant)))
    path = GOLDEN / f"{variant}.diff"
    if WRITE:
        path.write_text(found)
    assert found == path.read_text()


def test_secrets_hold_what_the_components_read(tmp_path):
    """With known credentials, since all else is placeholders."""
    defaults = yaml.safe_load((ROOT / "roles/common/defaults/main/credentials.yml").read_text())
    names = [name for name, value in defaults.items() if value == ""]
    given = {name: f"test-{name.replace('_', '-')}" for name in names}
    render(BASE, tmp_path / "out", cdc_home=str(tmp_path / "home"), render_secrets=True, **given)
    found = {}
    for path in sorted(tmp_path.glob("out/*/secret-*.yaml")):
        for name, text in yaml.safe_load(path.read_text())["data"].items():
            found[f"{path.parent.name}/{name}"] = base64.b64decode(text).decode()
    # The hash of a password for Kafka's first start has another salt each time.
    text = re.sub(r'salt="[^"]+",saltedpassword="[^"]+"', "salt, saltedpassword", yaml.safe_dump(found, width=10_000))
    if WRITE:
        (GOLDEN / "secrets.yml").write_text(text)
    assert text == (GOLDEN / "secrets.yml").read_text()
    # Nothing of them stands anywhere else.
    others = [path for path in tmp_path.glob("out/*/*.yaml") if not path.name.startswith("secret-")]
    assert others and not [path for path in others for value in given.values() if value in path.read_text()]


def test_a_second_rendering_changes_nothing(tmp_path, rendered):
    folder = tmp_path / "out"
    shutil.copytree(rendered(BASE), folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    render(BASE, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
