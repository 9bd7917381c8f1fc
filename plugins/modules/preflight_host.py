#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host
short_description: Check that a host can run the pipeline, before anything is changed
version_added: "1.0.0"
description:
  - Looks at operating system, processor, Python, rights, clock, memory, disk, folders and ports of the host, at the
    package registries when something must be fetched from them, and at servers of your own that the pipeline is to
    use, and reports all that is wrong at once, each with what was found and its remedy.
  - What belongs to the instance itself, such as a port that one of its processes listens on, is in nobody's way.
  - The registries are asked by their own clients, pip and apt. A bare host has no Maven, so its repository, or the
    mirror that its settings name, is asked for one file. It is not asked where only Maven itself can tell the way, as
    with a proxy in C(MAVEN_OPTS), or with a proxy or repositories in its settings.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  home:
    description: Folder of the instance.
    type: path
    required: true
  cache:
    description: Folder of the artifacts.
    type: path
    required: true
  ports:
    description: The ports that the instance will listen on.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The number.
        type: int
        required: true
      listener:
        description: What will listen there.
        type: str
        required: true
      spare:
        description: Whether nothing listens there yet, so that only a new kind cluster needs it.
        type: bool
        default: false
  memory_mib:
    description: MiB of memory that the components request together.
    type: int
    default: 0
  home_free_mib:
    description: MiB of disk that a new instance needs in O(home).
    type: int
    default: 0
  home_kept_free_mib:
    description: MiB of disk that an instance that stands needs in O(home).
    type: int
    default: 0
  cache_free_mib:
    description: MiB of disk that the artifacts need in O(cache), when one is missing.
    type: int
    default: 0
  artifacts:
    description: The artifacts that the components run from, as the catalogue of M(cdc.pipeline.artifact).
    type: dict
    default: {}
  maven_settings:
    description: A C(settings.xml) that Maven will be given. Without it Maven's own settings hold.
    type: path
  debian_packages:
    description: Debian packages that the components need.
    type: list
    elements: str
    default: []
  root:
    description: Whether root's rights are needed.
    type: bool
    default: true
  debian:
    description: Whether the host must be Debian (or like it), since its packages are installed.
    type: bool
    default: true
  kind_cluster:
    description:
      - The name of a kind cluster that the host holds, or will hold. Docker must be there then, and the ports of
        that cluster are in nobody's way.
      - O(memory_mib) is checked only until the cluster exists.
    type: str
    default: ""
  kind_binary:
    description: The program kind, which must be there for O(kind_cluster). Empty where it will be fetched.
    type: str
    default: ""
  registry_timeout:
    description: Seconds that a package registry may take to answer.
    type: int
    default: 15
  postgresql:
    description:
      - A PostgreSQL server of your own, with the database and the tables in it that will be captured.
    type: dict
    suboptions:
      host:
        description: The server's name or address.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 5432
      user:
        description: A superuser.
        type: str
        required: true
      password:
        description: The user's password.
        type: str
        required: true
      database:
        description: The database whose tables will be captured.
        type: str
        required: true
      tables:
        description: The tables that must be in it, as C(schema.table). Without any the database need not exist.
        type: list
        elements: str
        default: []
      ssl_mode:
        description: Whether the connection is encrypted, and the server's certificate verified, as libpq's C(sslmode).
        type: str
        choices: [allow, disable, prefer, require, verify-ca, verify-full]
        default: prefer
      ca:
        description: Certificates of the authorities to trust, in PEM. Without any they are those of the system.
        type: str
      lowest_version:
        description: The lowest major version that will do.
        type: int
        required: true
      timeout:
        description: Seconds to wait for the server.
        type: int
        default: 10
  object_store:
    description: An S3 store of your own.
    type: dict
    suboptions:
      name:
        description: The bucket.
        type: str
        required: true
      endpoint_url:
        description: URL of the store, empty for AWS.
        type: str
      region:
        description: The bucket's region.
        type: str
      access_key_id:
        description: The access key.
        type: str
        required: true
      secret_access_key:
        description: Its secret.
        type: str
        required: true
      ca_path:
        description: A file with the certificate authorities to trust.
        type: path
      ca:
        description: The same certificates as text, in PEM. It stands above O(object_store.ca_path).
        type: str
      validate_certs:
        description: Whether TLS certificates are verified.
        type: bool
        default: true
      timeout:
        description: Seconds to wait for the store.
        type: int
        default: 10
seealso:
  - module: cdc.pipeline.check_variables
"""

EXAMPLES = r"""
- name: Check the host
  cdc.pipeline.preflight_host:
    home: /var/lib/cdc-pipeline/local
    cache: /var/cache/cdc-pipeline
    ports:
      - {port: 9092, listener: kafka-0 (client)}
    memory_mib: 4096
    home_free_mib: 3072
"""

RETURN = r"""
msg:
  description: Everything that is wrong, each with what was found and its remedy.
  type: str
  returned: failure
own_processes:
  description: Ids of the instance's processes that run already.
  type: list
  elements: int
  returned: success
missing:
  description: Artifacts and Debian packages that will be fetched.
  type: list
  elements: str
  returned: success
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.examination import examine

SERVER = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "database": {"type": "str", "required": True},
    "tables": {"type": "list", "elements": "str", "default": []},
    "ssl_mode": {
        "type": "str",
        "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
        "default": "prefer",
    },
    "ca": {"type": "str"},
    "lowest_version": {"type": "int", "required": True},
    "timeout": {"type": "int", "default": 10},
}
STORE = {
    "name": {"type": "str", "required": True},
    "endpoint_url": {"type": "str"},
    "region": {"type": "str"},
    "access_key_id": {"type": "str", "required": True, "no_log": True},
    "secret_access_key": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "ca": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 10},
}
PORT = {
    "port": {"type": "int", "required": True},
    "listener": {"type": "str", "required": True},
    "spare": {"type": "bool", "default": False},
}


def main() -> None:
    run(
        {
            "home": {"type": "path", "required": True},
            "cache": {"type": "path", "required": True},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
            "memory_mib": {"type": "int", "default": 0},
            "home_free_mib": {"type": "int", "default": 0},
            "home_kept_free_mib": {"type": "int", "default": 0},
            "cache_free_mib": {"type": "int", "default": 0},
            "artifacts": {"type": "dict", "default": {}},
            "maven_settings": {"type": "path"},
            "debian_packages": {"type": "list", "elements": "str", "default": []},
            "root": {"type": "bool", "default": True},
            "debian": {"type": "bool", "default": True},
            "kind_cluster": {"type": "str", "default": ""},
            "kind_binary": {"type": "str", "default": ""},
            "registry_timeout": {"type": "int", "default": 15},
            "postgresql": {"type": "dict", "options": SERVER},
            "object_store": {"type": "dict", "options": STORE},
        },
        examine,
    )


if __name__ == "__main__":
    main()
