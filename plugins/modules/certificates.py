#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
short_description: An authority of the instance's own, and the certificates that it issues
version_added: 1.0.0
description:
  - Keeps an authority, and a certificate with its key for each server and client, in a folder that only root may read.
  - A certificate is issued anew when it is missing or damaged, its key does not fit, its names have changed, its
    authority has changed, or its end is near.
  - Keys are among the results, so register them with C(no_log=true).
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
requirements:
  - cryptography
options:
  folder:
    description: Where they are kept.
    type: path
    required: true
  authority_name:
    description: The common name of the authority.
    type: str
    required: true
  servers:
    description: Host names and addresses of each server, by its name, which becomes the common name.
    type: dict
    required: true
  clients:
    description: Names of clients that have a certificate to sign in with.
    type: list
    elements: str
    default: []
  days:
    description: How long a certificate is valid. None is valid for longer than its authority.
    type: int
    default: 365
  authority_days:
    description: How long the authority is valid.
    type: int
    default: 3650
  renew_days:
    description: How many days before its end a certificate is issued anew.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: >-
      Can run in check mode and return what would change. What would be issued is in the result, and thrown away.
  diff_mode:
    support: full
    description: Returns which files have changed, or would; never a key.
"""

EXAMPLES = r"""
- name: Have a certificate for each server
  cdc.pipeline.certificates:
    folder: /var/lib/cdc-pipeline/local/certificates
    authority_name: cdc-pipeline local
    servers:
      kafka: [localhost, 127.0.0.1, kafka.example.com]
  register: certificates
  no_log: true
"""

RETURN = r"""
authority:
  description: The certificate of the authority, in PEM, as clients trust it.
  type: str
  returned: success
servers:
  description: For each server C(certificate), C(key) and C(ca), the authority that its clients trust, all in PEM.
  type: dict
  returned: success
clients:
  description: The same for each client.
  type: dict
  returned: success
issued:
  description: Those that were issued, or would be, each with the reason.
  type: dict
  returned: success
  sample: {"servers/kafka": "its names have changed"}
"""

from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.files import Terms, kept
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import Wanted
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import require_library
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.disk import Disk
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local import Folder


def main():
    run(
        {
            "folder": {"type": "path", "required": True},
            "authority_name": {"type": "str", "required": True},
            "servers": {"type": "dict", "required": True},
            "clients": {"type": "list", "elements": "str", "default": []},
            "days": {"type": "int", "default": 365},
            "authority_days": {"type": "int", "default": 3650},
            "renew_days": {"type": "int", "default": 60},
        },
        perform,
    )


def perform(params, check_mode):
    require_library()
    terms = Terms(params["days"], params["authority_days"], params["renew_days"])
    if terms.renew_days >= terms.days:
        raise InvalidError(
            f"Certificates of {terms.days} days cannot be renewed {terms.renew_days} days before their end",
            remedy="set renew_days below days",
        )
    servers = {name: Wanted(name, tuple(map(str, names)), terms.days) for name, names in params["servers"].items()}
    clients = {name: Wanted(name, (), terms.days) for name in params["clients"]}
    wanted = {f"servers/{name}": each for name, each in servers.items()}
    wanted |= {f"clients/{name}": each for name, each in clients.items()}

    folder, disk = Path(params["folder"]), Disk()
    found = kept(folder, params["authority_name"], wanted, terms)
    folders = [Folder(path, 0o700, None, None) for path in (folder, folder / "servers", folder / "clients")]
    wrong_folders = [item for item in folders if disk.folder_differs(item)]
    wrong = [(item, differs) for item in found.targets(folder) if (differs := disk.differs(item))]
    if not check_mode:
        for item in wrong_folders:
            disk.make_folder(item)
        for item, _differs in wrong:
            disk.write(item)

    authority = found.pairs["authority"].certificate_pem

    def result(kind, names):
        pairs = {name: found.pairs[f"{kind}/{name}"] for name in names}
        return {
            name: {"certificate": pair.certificate_pem, "key": pair.key_pem, "ca": authority}
            for name, pair in pairs.items()
        }

    facts = {
        "authority": authority,
        "servers": result("servers", servers),
        "clients": result("clients", clients),
        "issued": found.issued,
    }
    return Outcome(bool(wrong_folders or wrong), differences=[differs for _item, differs in wrong], facts=facts)


if __name__ == "__main__":
    main()
