#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: container_images
short_description: Build container images from artifacts and load them into a cluster
version_added: "1.0.0"
description:
  - Puts images together of Debian packages and of the folders that M(cdc.pipeline.artifact) makes, without a builder
    and without a base image from a registry, and brings them to the nodes of a kind cluster, to a registry or into a
    file.
  - Each layer is named by the hash of its inputs and kept in the cache, and an image's tag is the hash of what it is
    made of. What is there already, at each place, is left alone.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  layers:
    description:
      - The layers by name, each of one of two kinds.
      - With C(packages), Debian packages and what they depend on; C(base) names a layer of packages below it,
        and C(exclude) files to leave out.
      - With C(artifact), the files of the artifact of that name; C(folder) is a pattern of the one folder of it that is
        taken, C(include) and C(exclude) are lists of patterns of the files, and C(to) is the folder in the image, by
        default C(/opt/cdc/<artifact>). Paths of the artifacts in scripts are replaced by those in the image.
    type: dict
    required: true
  images:
    description:
      - The images by name. Each has C(layers), a list of names from below, and may have C(stop_signal), the signal that
        asks its process to stop, such as V(INT).
    type: dict
    required: true
  artifacts:
    description:
      - The folder of each artifact by its name.
    type: dict
    required: true
  cache:
    description:
      - Folder of the built layers.
    type: path
    required: true
  repository:
    description:
      - What the images' names begin with.
    type: str
    default: localhost/cdc-pipeline
  suite:
    description:
      - Debian's release. Its Python is the one that the artifacts' virtual environments were made with.
    type: str
    default: bookworm
  revision:
    description:
      - Any text. Another one builds the Debian layers again, with the packages of that day.
    type: str
    default: ''
  sources:
    description:
      - A file of apt sources to take the packages from. By default this host's own where they name the suite, otherwise
        Debian's.
    type: path
  user:
    description:
      - Number of the user that the images run as.
    type: int
    default: 10001
  engine:
    description:
      - Command line of the container engine, V(docker) or V(podman).
    type: str
    default: docker
  kind_cluster:
    description:
      - Name of a kind cluster, into every node of which the images are loaded.
    type: str
  push:
    description:
      - Whether the images are pushed to the registry that O(repository) names.
    type: bool
    default: false
  insecure_registry:
    description:
      - Whether that registry may answer without TLS. The engine has to be set up for it, too.
    type: bool
    default: false
  save:
    description:
      - A file to save all images in, for C(docker load), C(podman load) or C(ctr images import) where the cluster is.
    type: path
"""

EXAMPLES = r"""
- name: Load an image of the archive onto every node of a kind cluster
  cdc.pipeline.container_images:
    cache: /var/cache/cdc-pipeline/images
    artifacts: "{{ cdc_artifacts }}"
    layers:
      system: {packages: [ca-certificates]}
      python_system: {base: system, packages: [python3]}
      python: {artifact: python}
      services: {artifact: services}
    images:
      archive: {layers: [system, python_system, python, services]}
    kind_cluster: cdc-kind
"""

RETURN = r"""
images:
  description: Each image as a workload takes it, with its name and tag, and the signal that it names.
  type: dict
  returned: always
  sample: {"archive": {"name": "localhost/cdc-pipeline/archive:0123456789ab", "stop_signal": "TERM"}}
built:
  description: The layers that were built, or would be.
  type: list
  elements: str
  returned: always
delivered:
  description: The images that were brought, or would be, by place.
  type: dict
  returned: always
  sample: {"cdc-kind-worker": ["localhost/cdc-pipeline/archive:0123456789ab"]}
"""

import platform
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._image.catalogue import Debian, Image, read_catalogue
from ansible_collections.cdc.pipeline.plugins.module_utils._image.engine import Engine
from ansible_collections.cdc.pipeline.plugins.module_utils._image.store import Store
from ansible_collections.cdc.pipeline.plugins.module_utils._image.targets import File, KindNodes, Registry, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Build the layers that are missing, and bring the images where they are missing."""
    machine = platform.machine()
    debian = Debian(params["suite"], ARCHITECTURES.get(machine, machine), params["revision"], params["user"])
    images = read_catalogue(params["layers"], params["images"], params["artifacts"], debian, params["repository"])
    store = Store(Path(params["cache"]), params["artifacts"], debian, params["sources"] or "")
    missing = store.missing(images)
    # Asked before anything is built: a wrong target should not cost minutes.
    wanted = [(target, target.lacking(images)) for target in _targets(params, check_mode)]
    if not check_mode:
        _build(store, missing)
        for target, lacking in wanted:
            if lacking:
                target.deliver(lacking, store)
    delivered = {place: _references(lacks) for _target, lacking in wanted for place, lacks in lacking.items()}
    return Outcome(
        changed=bool(missing or delivered),
        before={"lacking": delivered, "layers to build": [layer.key for layer in missing]},
        after={"lacking": {}, "layers to build": []},
        facts={
            "images": {
                image.name: {"name": image.reference, "stop_signal": image.config["StopSignal"].removeprefix("SIG")}
                for image in images
            },
            "built": [layer.key for layer in missing],
            "delivered": delivered,
        },
    )


def _build(store: Store, missing: list) -> None:
    """First what others stand on; then two at a time, since each is bound by a download or one core."""
    for layer in [layer for layer in missing if layer.packages and layer.base is None]:
        store.build(layer)
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(store.build, layer) for layer in missing]
    for future in futures:
        future.result()


def _targets(params: Mapping[str, Any], check_mode: bool) -> list[Target]:
    engine = Engine(params["engine"])
    found: list[Target] = []
    if params["kind_cluster"]:
        found.append(KindNodes(engine, params["kind_cluster"], check_mode))
    if params["push"]:
        found.append(Registry(engine, params["insecure_registry"]))
    if params["save"]:
        found.append(File(Path(params["save"])))
    return found


def _references(images: list[Image]) -> list[str]:
    return [image.reference for image in images]


def main() -> None:
    run(
        {
            "layers": {"type": "dict", "required": True},
            "images": {"type": "dict", "required": True},
            "artifacts": {"type": "dict", "required": True},
            "cache": {"type": "path", "required": True},
            "repository": {"type": "str", "default": "localhost/cdc-pipeline"},
            "suite": {"type": "str", "default": "bookworm"},
            "revision": {"type": "str", "default": ""},
            "sources": {"type": "path"},
            "user": {"type": "int", "default": 10001},
            "engine": {"type": "str", "default": "docker"},
            "kind_cluster": {"type": "str"},
            "push": {"type": "bool", "default": False},
            "insecure_registry": {"type": "bool", "default": False},
            "save": {"type": "path"},
        },
        ensure,
    )


if __name__ == "__main__":
    main()
