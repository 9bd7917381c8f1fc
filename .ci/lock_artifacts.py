"""Writes the checksums of jars and archives again, from what Maven resolves for the versions that are stated.

    .ci/lock_artifacts.py [NAME...]     all artifacts of roles/artifacts/defaults, or those named

It writes roles/artifacts/files/*.sha256 and the `*_sha256` lines of roles/common/defaults/main/versions.yml.
This is trust on first use: the repository that answers today is believed, and every later build compared with it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from collection_path import make_importable  # noqa: E402

make_importable()

from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.builder import (  # noqa: E402
    Builder,
    read_checksums,
    sha256,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import Artifact  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError  # noqa: E402

VERSIONS = Path("roles/common/defaults/main/versions.yml")
NOTE = """\
These checksums are of what the repository delivered just now, over TLS, at best compared with checksums of its own:
trust on first use. Before they are committed, look at each line of `git diff` - is it a version that you changed, or
one that follows from it? - and compare the files that matter with what their makers publish, such as
https://downloads.apache.org/kafka/<version>/ and the .asc signatures beside each file of the repository."""


def artifacts(root: Path, names: list[str]) -> list[tuple[Artifact, str]]:
    """Those of the kinds maven and archive, each with the variable of its checksum (empty for maven).

    :raises SystemExit: a name is unknown.
    """
    role = root / "roles/artifacts"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    variables = {**yaml.safe_load((root / VERSIONS).read_text()), "role_path": str(role)}
    catalogue = {**defaults["artifacts_catalogue"], **defaults["artifacts_optional"]}
    locked = {name: item for name, item in catalogue.items() if item["kind"] in ("maven", "archive")}
    unknown = sorted(set(names) - set(locked))
    if unknown:
        sys.exit(f"no jars or archives are called {', '.join(unknown)}; there are {', '.join(sorted(locked))}")
    found = []
    for name, item in locked.items():
        if names and name not in names:
            continue
        variable = re.search(r"\w+", item["sha256"].strip("{} ")).group() if item["kind"] == "archive" else ""
        options = {key: value for key, value in filled(item, variables).items() if key != "kind"}
        found.append((Artifact(name, item["kind"], options, Path(name)), variable))
    return found


def filled(value: Any, variables: dict[str, Any]) -> Any:
    """``value`` with its templates filled in."""
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if isinstance(value, str):
        return Environment(undefined=StrictUndefined, autoescape=False).from_string(value).render(variables)
    return value


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What to show of two lists of checksums."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"  gone     {name}")
        elif name not in before:
            lines.append(f"  new      {name}")
        elif before[name] != after[name]:
            lines.append(f"  CHANGED  {name}: the same name, another content. Find out why before you trust it.")
    return lines


def lock(root: Path, cache: Path, names: list[str]) -> list[str]:
    """Write the checksums; what differs from those of before.

    :param cache: folder for downloads. Nothing is written before everything has been delivered.
    :raises PipelineError: Maven does not get something, or a jar's checksum is not the repository's.
    """
    cache.mkdir(parents=True, exist_ok=True)
    builder = Builder(cache, sys.executable)
    lists: dict[Path, dict[str, str]] = {}
    sums: dict[str, str] = {}
    for artifact, variable in artifacts(root, names):
        print(f"resolving {artifact.name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            if variable:
                # Not strict: mirrors deliver archives without a checksum beside them.
                sums[variable] = sha256(builder.download(artifact, Path(folder)))
            else:
                builder.resolve(artifact, Path(folder), "--strict-checksums")
                lists[Path(artifact.options["checksums"])] = {
                    jar.name: sha256(jar) for jar in sorted(Path(folder).iterdir())
                }
    shown = []
    for path, found in lists.items():
        lines = differences(read_checksums(path) if path.exists() else {}, found)
        path.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(found.items())))
        shown += [f"{path.relative_to(root)}:", *lines] if lines else []
    text = versions = (root / VERSIONS).read_text()
    for variable, digest in sums.items():
        text = re.sub(rf"(?m)^({variable}:).*$", rf"\1 {digest}", text)
    if text != versions:
        (root / VERSIONS).write_text(text)
        shown += [f"{VERSIONS}:", *(f"  changed  {name}" for name, digest in sums.items() if digest not in versions)]
    return shown


def main() -> int:
    if not shutil.which("mvn"):
        print("Maven is missing. Install it: apt-get install maven", file=sys.stderr)
        return 1
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        shown = lock(ROOT, Path(os.environ.get("CDC_CACHE") or caches / "cdc-pipeline") / "lock", sys.argv[1:])
    except PipelineError as error:
        print(error.message, file=sys.stderr)
        return 1
    print("\n".join([*shown, "", NOTE] if shown else ["No checksum of a jar or archive differs."]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
