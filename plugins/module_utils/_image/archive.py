# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Puts images together as the archive that `docker load`, `podman load` and `ctr images import` take."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from .catalogue import Image
from .store import Store

# Nothing in an image tells when it was built, so the same inputs give the same image.
_EPOCH = "1970-01-01T00:00:00Z"


def config(image: Image, store: Store) -> bytes:
    """The image's configuration as the OCI image specification has it; its SHA-256 is the image's identity."""
    built = [store.built(layer) for layer in image.layers]
    content: dict[str, Any] = {
        "created": _EPOCH,
        "architecture": store.debian.architecture,
        "os": "linux",
        "config": dict(image.config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in built]},
        "history": [{"created": _EPOCH, "created_by": f"cdc-pipeline {layer.key}"} for layer in image.layers],
    }
    return json.dumps(content, sort_keys=True).encode()


def write(images: Iterable[Image], store: Store, out: BinaryIO) -> None:
    """Write one archive of ``images`` to ``out``, each layer once; ``out`` may be a pipe."""
    manifest, configs, layers = [], {}, {}
    for image in images:
        content = config(image, store)
        name = f"{hashlib.sha256(content).hexdigest()}.json"
        built = [store.built(layer) for layer in image.layers]
        configs[name] = content
        layers.update({f"{layer.diff_id}/layer.tar": layer.path for layer in built})
        names = [f"{layer.diff_id}/layer.tar" for layer in built]
        manifest.append({"Config": name, "RepoTags": [image.reference], "Layers": names})
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        # First, so that a reader need not go through all of it.
        _add(tar, "manifest.json", json.dumps(manifest).encode())
        for name, content in sorted(configs.items()):
            _add(tar, name, content)
        for name, path in layers.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = path.stat().st_size, 0o644
            with open(path, "rb") as file:
                tar.addfile(info, file)


def references(path: Path) -> set[str]:
    """What the archive at ``path`` holds; nothing where it is none."""
    try:
        with tarfile.open(path) as tar:
            first = tar.next()
            if first is None or first.name != "manifest.json":
                return set()
            content = tar.extractfile(first)
            return {tag for item in json.load(content) for tag in item["RepoTags"]} if content else set()
    except (OSError, tarfile.TarError, ValueError):
        return set()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))
