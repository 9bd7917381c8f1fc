"""Writes what follows from the sources: the reference of modules, plugins, roles and variables, and
the requirements with the checks that prove them.

    tests/tools/reference.py            write docs/reference/, docs/requirements.md and roles/*/README.md
    tests/tools/reference.py --check    write nothing; show what differs and fail
    tests/tools/reference.py --update-specs
                                  bring the defaults in roles/*/meta/argument_specs.yml up to roles/*/defaults; a new
                                  option gets a type and lacks a description, which --check then asks for

Needs ansible-core (for ansible-doc), PyYAML, and what verification needs.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/tools"), str(ROOT / "python/src")]

from cdc_pipeline.load.report import REQUIREMENTS as OF_LOAD  # noqa: E402
from cdc_pipeline.verify.checks import STEPS  # noqa: E402
from cdc_pipeline.verify.requirements import REQUIREMENTS  # noqa: E402
from reference_pages import (  # noqa: E402
    http_rights_page,
    index_page,
    module_page,
    plugin_page,
    renamed_page,
    requirements_page,
    role_page,
    variables_page,
)
from role_specs import problems, read_renamed, read_roles, updated_spec  # noqa: E402

PLUGIN_TYPES = ("callback", "filter", "lookup", "strategy")


def documented() -> dict[str, dict[str, Any]]:
    """What ansible-doc says of every module and plugin: kind, then short name."""
    with tempfile.TemporaryDirectory() as folder:
        namespace = Path(folder, "ansible_collections/cdc")
        namespace.mkdir(parents=True)
        (namespace / "pipeline").symlink_to(ROOT, target_is_directory=True)
        command = [
            str(Path(sys.executable).with_name("ansible-doc")),
            "--metadata-dump",
            "--no-fail-on-errors",
            "cdc.pipeline",
        ]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": folder, "ANSIBLE_CONFIG": ""}
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ansible-doc failed:\n{done.stderr}")
    found = json.loads(done.stdout)["all"]
    return {
        kind: {name.rpartition(".")[2]: item for name, item in sorted(found[kind].items())}
        for kind in ("module", *PLUGIN_TYPES)
    }


def http_rights() -> dict[str, list[dict[str, Any]]]:
    """What each role states of who may do what over HTTP, by the role."""
    found = {}
    for path in sorted([*(ROOT / "roles").glob("*/vars/main.yml"), *(ROOT / "roles").glob("*/vars/main/*.yml")]):
        role = path.relative_to(ROOT / "roles").parts[0]
        stated = (yaml.safe_load(path.read_text()) or {}).get(f"__{role}_rights")
        # The role tenancy has rights in a cluster.
        if isinstance(stated, list) and all(isinstance(each, dict) and "login" in each for each in stated):
            found[role] = stated
    return found


def proofs() -> dict[str, str]:
    """The requirement that each check proves, by the check's id."""
    found = {id: step.requirement for step in STEPS for id in step.ids}
    return {**found, "<role>.stated": "T8", **OF_LOAD}


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file and what it has to hold."""
    docs = documented()
    roles = read_roles(ROOT)
    reference = ROOT / "docs/reference"
    for name, item in docs["module"].items():
        yield reference / "modules" / f"{name}.md", module_page(name, item)
    for kind in PLUGIN_TYPES:
        for name, item in docs[kind].items():
            yield reference / "plugins" / f"{kind}_{name}.md", plugin_page(name, kind, item)
    for role in roles:
        yield ROOT / "roles" / role.name / "README.md", role_page(role)
    yield reference / "variables.md", variables_page(roles)
    yield reference / "http_rights.md", http_rights_page(http_rights())
    yield reference / "renamed_variables.md", renamed_page(read_renamed(ROOT))
    yield reference / "README.md", index_page(docs, roles)
    yield ROOT / "docs/requirements.md", requirements_page(REQUIREMENTS, proofs())


def obsolete(wanted: set[Path]) -> list[Path]:
    """Generated pages of what is gone."""
    found = [*(ROOT / "docs/reference/modules").glob("*.md"), *(ROOT / "docs/reference/plugins").glob("*.md")]
    return sorted(path for path in found if path not in wanted)


def check(generated: dict[Path, str]) -> int:
    wrong = problems(read_roles(ROOT))
    for problem in wrong:
        print(problem)
    for path, text in generated.items():
        found = path.read_text() if path.exists() else ""
        if found != text:
            name = str(path.relative_to(ROOT))
            wrong.append(name)
            lines = difflib.unified_diff(found.splitlines(), text.splitlines(), name, "generated", lineterm="", n=1)
            print("\n".join(list(lines)[:40]))
    for path in obsolete(set(generated)):
        wrong.append(str(path))
        print(f"{path.relative_to(ROOT)}: what it describes is gone")
    if wrong:
        print(
            f"\n{len(wrong)} differences; `tests/tools/reference.py` writes them, `--update-specs` follows the defaults"
        )
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update-specs", action="store_true")
    options = parser.parse_args()
    if options.update_specs:
        for role in read_roles(ROOT):
            text = updated_spec(role)
            if text is not None:
                role.spec_path.write_text(text)
                print(f"updated {role.spec_path.relative_to(ROOT)}")
    generated = dict(pages())
    if options.check:
        return check(generated)
    for path, text in generated.items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    for path in obsolete(set(generated)):
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
