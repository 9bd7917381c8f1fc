#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: object_store_bucket
short_description: Create an S3 bucket and check that it honours conditional writes
version_added: "1.0.0"
description:
  - Creates a bucket, and proves that the store honours C(If-None-Match) by writing one probe object twice and deleting
    it. Without conditional writes two writers of the archive could both win.
  - In check mode nothing is written, so the proof is left out.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  name:
    description:
      - Name of the bucket.
    type: str
    required: true
  state:
    description:
      - Whether the bucket shall exist. V(absent) deletes an empty bucket only.
    type: str
    choices: [present, absent]
    default: present
  prefix:
    description:
      - Key prefix below which the probe is written, for keys that may write nowhere else.
    type: str
    default: ""
  endpoint_url:
    description:
      - Address of the store. Without it AWS is asked.
    type: str
  region:
    description:
      - Region of the bucket.
    type: str
    default: us-east-1
  access_key_id:
    description:
      - Access key. Without it boto3's own search applies.
    type: str
  secret_access_key:
    description:
      - Secret key.
    type: str
  validate_certs:
    description:
      - Whether the store's TLS certificate must be valid.
    type: bool
    default: true
  ca_path:
    description:
      - File with the PEM certificates of the authorities to trust.
    type: path
  ca:
    description:
      - The same certificates as text, where there is no such file yet. It stands above O(ca_path).
    type: str
  timeout:
    description:
      - Seconds to wait for a connection and for an answer.
    type: int
    default: 10
requirements:
  - boto3 >= 1.36 (Python library, where the module runs)
"""

EXAMPLES = r"""
- name: Create the archive's bucket
  cdc.pipeline.object_store_bucket:
    name: cdc-archive
    endpoint_url: http://localhost:8333
    access_key_id: archive
    secret_access_key: "{{ vault_archive_secret_key }}"
"""

RETURN = r"""
proved:
  description: Whether conditional writes were proved in this run.
  returned: success
  type: bool
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import awaited_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._awaited import unasked
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._object_store import Store


def ensure(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Reconcile the bucket, then prove the store."""
    store = None if unasked(params) else Store(params)
    there = store is not None and store.exists()
    wanted = params["state"] == "present"
    if there != wanted and store is not None and not check_mode:
        if wanted:
            store.create()
        else:
            store.delete()
    prove = wanted and store is not None and not check_mode
    if prove:
        store.prove_conditional_writes(params["prefix"])
    return Outcome(
        changed=there != wanted,
        before={"name": params["name"], "state": "present" if there else "absent"},
        after={"name": params["name"], "state": params["state"]},
        facts={"proved": prove},
    )


def main() -> None:
    run(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "prefix": {"type": "str", "default": ""},
            "endpoint_url": {"type": "str"},
            "region": {"type": "str", "default": "us-east-1"},
            # As secret as the other half in whatever is returned: it stands among the credentials.
            "access_key_id": {"type": "str", "no_log": True},
            "secret_access_key": {"type": "str", "no_log": True},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "ca": {"type": "str"},
            "timeout": {"type": "int", "default": 10},
            **awaited_argument(),
        },
        ensure,
    )


if __name__ == "__main__":
    main()
