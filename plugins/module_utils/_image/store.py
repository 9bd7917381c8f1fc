# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The layers in the cache: builds what is missing, each moved into place whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import layer as artifact_layer
from . import rootfs
from .catalogue import Debian, Image, Layer


@dataclass(frozen=True)
class Built:
    """A layer that is there.

    :param diff_id: SHA-256 of the archive, by which engines know it.
    """

    path: Path
    diff_id: str


class Store:
    """The layers below ``folder``.

    :param mirror: a file of apt sources; empty for this host's own.
    """

    def __init__(self, folder: Path, artifacts: Mapping[str, str], debian: Debian, mirror: str = "") -> None:
        self.folder = folder
        self.artifacts = artifacts
        self.debian = debian
        self.mirror = mirror

    def missing(self, images: Iterable[Image]) -> list[Layer]:
        """The layers that have to be built, those that others stand on first."""
        layers = {layer.key: layer for image in images for layer in _with_below(image.layers)}
        return [layer for layer in layers.values() if not self._record(layer).is_file()]

    def build(self, layer: Layer) -> None:
        """Build one layer; another run that builds the same one is waited for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(layer):
            if self._record(layer).is_file():
                return
            descriptor, name = tempfile.mkstemp(prefix=f".{layer.key}-", dir=self.folder)
            try:
                with os.fdopen(descriptor, "wb+") as out:
                    if layer.packages:
                        below = self.built(layer.base).path if layer.base else None
                        rootfs.write_layer(layer, self.debian, self.mirror, below, out)
                    else:
                        artifact_layer.check_python(layer, self.debian.suite)
                        artifact_layer.write_layer(layer, self.artifacts, out)
                    out.seek(0)
                    digest = hashlib.file_digest(out, "sha256").hexdigest()
                Path(name).chmod(0o644)
                Path(name).rename(self._archive(layer))
                # Written last: a layer is there when its record is.
                self._record(layer).write_text(json.dumps({"sha256": digest}))
            finally:
                Path(name).unlink(missing_ok=True)

    def built(self, layer: Layer) -> Built:
        """The layer that :meth:`build` made."""
        return Built(self._archive(layer), json.loads(self._record(layer).read_text())["sha256"])

    def _archive(self, layer: Layer) -> Path:
        return self.folder / f"{layer.key}.tar"

    def _record(self, layer: Layer) -> Path:
        return self.folder / f"{layer.key}.json"

    @contextmanager
    def _locked(self, layer: Layer) -> Iterator[None]:
        with open(self.folder / f".{layer.key}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _with_below(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        if layer.base is not None:
            yield layer.base
        yield layer
