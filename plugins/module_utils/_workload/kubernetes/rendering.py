# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Manifests as the files of a folder, for review and GitOps. Pure: paths and texts, no I/O."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._errors import MissingLibraryError

_YAML_TRACE = ""
try:
    import yaml
except ImportError:
    yaml = None
    _YAML_TRACE = traceback.format_exc()

# A file that begins with it is the renderer's own, and goes when nothing asks for it any more.
HEADER = "# Rendered by cdc.pipeline.kubernetes_manifests; a change by hand is lost with the next rendering.\n"
_PLACEHOLDERS = (
    "# Placeholders, so that this can be kept in a repository. It is not in kustomization.yaml: applied as it is, it\n"
    "# would replace the contents. docs/runtimes.md says how to seal them.\n"
)
PLACEHOLDER_ANNOTATION = "cdc-pipeline/placeholders"
KUSTOMIZATION = "kustomization.yaml"
# Of the kinds that surround workloads, those that belong to no namespace.
_CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding", "Namespace", "PersistentVolume", "PriorityClass", "StorageClass")
Seal = Callable[[Mapping[str, Any], str], Mapping[str, Any]]
_UNSAFE = re.compile(r"[^a-z0-9.-]+")


@dataclass(frozen=True)
class Rendered:
    """A file: its text, and whether it holds secrets."""

    text: str
    secret: bool = False


def rendered(
    parts: Mapping[str, Iterable[Mapping[str, Any]]], secrets: bool, seal: Seal | None = None
) -> dict[str, Rendered]:
    """The files by their path below the folder: one for each manifest, and a kustomization of them.

    Args:
        parts: manifests by the name of the component that they belong to.
        secrets: whether contents of secrets are written; otherwise placeholders stand in their place.
        seal: what takes the place of a secret, by the secret and the path of what takes it.

    Raises:
        MissingLibraryError: PyYAML is not installed.
        ValueError: two manifests of a component have the same kind and name.
    """
    files: dict[str, Rendered] = {}
    applied = []
    for part, manifests in parts.items():
        for manifest in manifests:
            path = f"{part}/{file_name(manifest)}"
            if path in files:
                raise ValueError(f"{part} has two manifests of kind {manifest['kind']} named {_name(manifest)}")
            is_secret = manifest["kind"] == "Secret"
            if is_secret and seal:
                path = f"{part}/sealed{file_name(manifest)}"
                files[path] = Rendered(HEADER + to_yaml(_ordered(seal(manifest, path))))
                applied.append(path)
                continue
            if is_secret and not secrets:
                files[path] = Rendered(HEADER + _PLACEHOLDERS + to_yaml(with_placeholders(manifest)))
                continue
            files[path] = Rendered(HEADER + to_yaml(_ordered(manifest)), secret=is_secret)
            applied.append(path)
    if applied:
        files[KUSTOMIZATION] = Rendered(HEADER + to_yaml(_kustomization(applied)))
    return files


def read_yaml(text: str) -> Any:
    """What :func:`to_yaml` has written.

    Raises:
        MissingLibraryError: PyYAML is not installed.
        ValueError: it is no YAML.
    """
    if yaml is None:
        raise MissingLibraryError("PyYAML", _YAML_TRACE)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def placed(manifest: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    """The manifest with ``namespace`` where it has none and needs one."""
    metadata = manifest["metadata"]
    if manifest["kind"] in _CLUSTER_WIDE or "namespace" in metadata:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def file_name(manifest: Mapping[str, Any]) -> str:
    """Such as ``statefulset-kafka.yaml``. A name may hold a colon, which not every file system takes."""
    return _UNSAFE.sub("-", f"{manifest['kind']}-{_name(manifest)}".lower()) + ".yaml"


def with_placeholders(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A secret whose contents are named instead of told."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), PLACEHOLDER_ANNOTATION: "true"}
    kept = {key: value for key, value in manifest.items() if key not in ("data", "stringData")}
    names = [*manifest.get("data", {}), *manifest.get("stringData", {})]
    return _ordered(
        {
            **kept,
            "metadata": {**metadata, "annotations": annotations},
            "stringData": {name: f"<{name}>" for name in names},
        }
    )


def to_yaml(value: Any) -> str:
    """YAML for readers: keys in their order, texts of several lines as such, nothing by reference."""
    if yaml is None:
        raise MissingLibraryError("PyYAML", _YAML_TRACE)

    class Readable(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def represent(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Readable.add_representer(str, represent)
    return yaml.dump(value, Dumper=Readable, sort_keys=False, width=120, allow_unicode=True)


def _name(manifest: Mapping[str, Any]) -> str:
    return manifest["metadata"]["name"]


def _ordered(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The same with what identifies it first."""
    metadata = manifest["metadata"]
    first = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {**first, **metadata},
        **{key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")},
    }


def _kustomization(paths: Iterable[str]) -> dict[str, Any]:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": sorted(paths)}
