# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where images are brought to: the nodes of a kind cluster, a registry, a file."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from .._errors import FailedError, InvalidError
from . import archive
from .catalogue import Image
from .engine import Engine
from .store import Store

_NOT_THERE = ("manifest unknown", "no such manifest", "not found", "name unknown", "requested access to the resource")


class Target(Protocol):
    """A place for images."""

    def lacking(self, images: Sequence[Image]) -> dict[str, list[Image]]:
        """What is not there yet, by place."""

    def deliver(self, lacking: dict[str, list[Image]], store: Store) -> None:
        """Bring it there."""


class KindNodes:
    """Every node of a kind cluster: each has a container engine of its own, and no registry to pull from."""

    def __init__(self, engine: Engine, cluster: str, check_mode: bool) -> None:
        self.engine = engine
        self.cluster = cluster
        self.check_mode = check_mode

    def lacking(self, images: Sequence[Image]) -> dict[str, list[Image]]:
        """The images that each node lacks, by the node's name."""
        label = f"label=io.x-k8s.kind.cluster={self.cluster}"
        nodes = self.engine.run("ps", "--filter", label, "--format", "{{.Names}}").split()
        if not nodes and not self.check_mode:
            raise InvalidError(
                f"There is no running kind cluster {self.cluster} to load images into",
                where=f"{self.engine.command} ps --filter {label}",
                remedy="Create it first (role cluster), or name another one: images_kind_cluster.",
            )
        found = {}
        for node in sorted(nodes):
            have = set(self.engine.run("exec", node, "ctr", "--namespace=k8s.io", "images", "ls", "--quiet").split())
            lacks = [image for image in images if image.reference not in have]
            if lacks:
                found[node] = lacks
        # In check mode the cluster may yet have to be made.
        return found if nodes else {self.cluster: list(images)}

    def deliver(self, lacking: dict[str, list[Image]], store: Store) -> None:
        """Import into all nodes at the same time."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            done = [pool.submit(self._import, node, images, store) for node, images in lacking.items()]
        for future in done:
            future.result()

    def _import(self, node: str, images: Sequence[Image], store: Store) -> None:
        settings = self.engine.run("exec", node, "containerd", "config", "dump")
        # Unpacked for the snapshotter that the kubelet's engine uses, which is not everywhere ctr's default.
        found = re.search(r"""^\s*snapshotter = ["'](\w[\w-]*)["']""", settings, re.MULTILINE)
        options = ["--digests", *([f"--snapshotter={found[1]}"] if found else [])]
        call = ["exec", "--interactive", node, "ctr", "--namespace=k8s.io", "images", "import", *options, "-"]
        self.engine.run(*call, write=lambda out: archive.write(images, store, out))


class Registry:
    """The registry that the references name."""

    def __init__(self, engine: Engine, insecure: bool) -> None:
        self.engine = engine
        self.options = ["--insecure"] if insecure else []

    def lacking(self, images: Sequence[Image]) -> dict[str, list[Image]]:
        """The images that the registry lacks."""
        lacks = [image for image in images if not self._has(image.reference)]
        return {lacks[0].reference.rsplit("/", 1)[0]: lacks} if lacks else {}

    def _has(self, reference: str) -> bool:
        done = self.engine.attempt("manifest", "inspect", *self.options, reference)
        if done.returncode == 0:
            return True
        why = done.stderr.strip()
        if any(text in why.lower() for text in _NOT_THERE):
            return False
        raise FailedError(
            f"The registry does not tell whether it has {reference}",
            where=f"{self.engine.command} manifest inspect {reference}",
            why=why,
            remedy=f"Log in ({self.engine.command} login) as the user that runs the play, and check "
            "images_registry; images_registry_insecure is for one without TLS.",
        )

    def deliver(self, lacking: dict[str, list[Image]], store: Store) -> None:
        """Load into the engine, then push."""
        for images in lacking.values():
            self.engine.run("load", write=lambda out, images=images: archive.write(images, store, out))
            for image in images:
                self._push(image.reference)

    def _push(self, reference: str) -> None:
        done = self.engine.attempt("push", reference)
        if done.returncode:
            raise FailedError(
                f"{reference} could not be pushed",
                where=f"{self.engine.command} push {reference}",
                why=done.stderr.strip(),
                remedy=f"Log in ({self.engine.command} login) as the user that runs the play, as one that may write "
                "there, and check images_registry.",
            )


class File:
    """One archive of all images, for clusters that this host does not reach."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lacking(self, images: Sequence[Image]) -> dict[str, list[Image]]:
        """All of them, unless the file holds exactly these."""
        same = archive.references(self.path) == {image.reference for image in images}
        return {} if same else {str(self.path): list(images)}

    def deliver(self, lacking: dict[str, list[Image]], store: Store) -> None:
        """Write it under another name first, so that it is whole whenever it is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for images in lacking.values():
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    archive.write(images, store, out)
                Path(name).chmod(0o644)
                Path(name).rename(self.path)
            finally:
                Path(name).unlink(missing_ok=True)
