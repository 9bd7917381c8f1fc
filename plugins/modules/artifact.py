#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: artifact
short_description: Build the pipeline's artifacts from the package registries
version_added: "1.0.0"
description:
  - Makes the folders that the workloads run from - virtual environments, sets of jars, unpacked distributions - with
    the registries' own clients, pip and Maven, and verifies every file against a pinned checksum.
  - A folder is named by the hash of its inputs, never changed afterwards, and gets its name only when it is whole, so
    that instances and checkouts share it and an interrupted build is simply run again.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  catalogue:
    description:
      - The artifacts by name. Each has a C(kind) and the kind's own keys.
      - C(venv) takes C(requirements), a pip requirements file with hashes.
      - C(maven) takes C(dependencies), a list of C(group:artifact:version) resolved with what they need, C(checksums),
        a file as C(sha256sum) writes it, C(exclude), a list of file name patterns, C(folder), a folder below
        the artifact's for the jars, C(services), a map of Java interfaces to implementations for which a service
        provider jar is added, and C(class_path), whether a jar C(class-path.jar) is added that names the others in a
        fixed order.
      - C(archive) takes C(coordinates), C(sha256) and C(strip), the number of leading path components to drop. A jar is
        kept as it is.
      - C(python_package) takes C(source), a folder with a C(pyproject.toml) and the package in C(src), and
        C(environment), the artifact of kind C(venv) that its scripts run in.
      - C(java_plugin) takes C(base), an artifact of kind C(archive) with a plugin of Kafka Connect, C(folder), the one
        in it that gets a jar compiled of C(source), a folder with Java sources in C(src), C(compiler), the artifact
        with the compiler's jar, C(java), the artifact of kind C(venv) whose Java runs it, and C(classpath), a list of
        further artifacts with jars to compile against.
      - C(class_path) takes C(artifacts), a list of artifacts with jars. All of them come into one folder, with a
        C(class-path.jar) that names them in the order of the list and of their names. Each library is there once, in
        its newest version; where the major versions differ, nothing is built.
      - C(java_cache) takes C(java), the artifact of kind C(venv) with Java, C(program), an artifact with a
        C(class-path.jar) or a program, and C(options), the options of Java that a cache depends on. It is named here,
        and made by M(cdc.pipeline.java_cache).
    type: dict
    required: true
  cache:
    description:
      - Folder of the artifacts.
    type: path
    required: true
  python:
    description:
      - Interpreter that virtual environments are made of. The services' user must be able to run it.
    type: path
    default: /usr/bin/python3
  maven_settings:
    description:
      - A C(settings.xml) for Maven, with mirrors and credentials. Without it Maven's own settings hold.
    type: path
"""

EXAMPLES = r"""
- name: Install the jars of the registry
  cdc.pipeline.artifact:
    cache: /var/cache/cdc-pipeline
    catalogue:
      schema_registry:
        kind: archive
        coordinates: io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all
        sha256: "{{ versions_schema_registry_sha256 }}"
"""

RETURN = r"""
paths:
  description: The folder of each artifact. That of a C(java_cache) need not be there.
  type: dict
  returned: always
  sample: {"kafka": "/var/cache/cdc-pipeline/kafka-0123456789ab"}
built:
  description: Names of the artifacts that were built, or would be.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.builder import Builder
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import read_catalogue
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run


def ensure(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Build what is missing."""
    cache = Path(params["cache"])
    artifacts = read_catalogue(params["catalogue"], cache)
    built_here = [artifact for artifact in artifacts if not artifact.apart]
    missing = [artifact for artifact in built_here if not artifact.present]
    before = {artifact.name: artifact.path.name for artifact in built_here if artifact.present}
    built = [artifact.name for artifact in missing]
    if missing and not check_mode:
        built = Builder(cache, params["python"], params["maven_settings"] or "").build(missing)
    return Outcome(
        changed=bool(built),
        before=before,
        after={artifact.name: artifact.path.name for artifact in built_here},
        facts={"paths": {artifact.name: str(artifact.path) for artifact in artifacts}, "built": built},
    )


def main() -> None:
    run(
        {
            "catalogue": {"type": "dict", "required": True},
            "cache": {"type": "path", "required": True},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "maven_settings": {"type": "path"},
        },
        ensure,
    )


if __name__ == "__main__":
    main()
