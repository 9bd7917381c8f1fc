#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_certificates
short_description: Request server certificates from cert-manager in a cluster
version_added: 1.0.0
description:
  - Has a C(Certificate) of cert-manager for each server in a namespace, waits until they are ready, and reads the
    secrets that come of them.
  - What was issued is checked like certificates that a user gives - names, end, strength, use, key and the way to a
    root. Where something is wrong with it, or where cert-manager does not issue it, the error says what cert-manager
    said.
  - A certificate whose last try had failed is requested again, since cert-manager itself waits for an hour and more.
  - Certificates that this module has asked for and that are stated no more are removed, with their secrets.
  - Keys are among the results, so register them with C(no_log=true).
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.kubernetes
requirements:
  - cryptography
  - kubernetes >= 30
options:
  namespace:
    description: The namespace of the servers.
    type: str
    required: true
  state:
    description: V(absent) removes all that this module has asked for in the namespace, with the secrets.
    type: str
    choices: [present, absent]
    default: present
  issuer:
    description: Who signs. Needed with O(state=present).
    type: dict
    suboptions:
      kind:
        description: V(ClusterIssuer), V(Issuer), or a kind of another O(issuer.group).
        type: str
        default: ClusterIssuer
      name:
        description: Its name.
        type: str
        required: true
      group:
        description: Its API group.
        type: str
        default: cert-manager.io
  servers:
    description: Host names and addresses of each server, by its name, which becomes the common name.
    type: dict
    default: {}
  hosts:
    description: The hosts that clients verify each certificate by.
    type: dict
    default: {}
  mutual:
    description: Servers that also show their certificate as clients, and know each other by the subject C(CN=<name>).
    type: list
    elements: str
    default: []
  days:
    description: How long a certificate is asked for.
    type: int
    default: 365
  renew_days:
    description: How many days before its end cert-manager renews it.
    type: int
    default: 60
  timeout:
    description: Seconds until all certificates are there, or until what is removed is gone.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    description: >-
      Can run in check mode and return what would change. In the place of a certificate that would be issued the result
      has another one, which is thrown away.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every C(Certificate); of secrets only that they go.
"""

EXAMPLES = r"""
- name: Request a certificate from the company's authority
  cdc.pipeline.kubernetes_certificates:
    kubeconfig: ~/.kube/config
    namespace: data-ingestion
    issuer: {kind: ClusterIssuer, name: corporate}
    servers:
      kafka: [localhost, 127.0.0.1, kafka.data-ingestion.svc]
  register: certificates
  no_log: true
"""

RETURN = r"""
servers:
  description: For each server C(certificate), C(key) and C(ca), the authority that its clients trust, all in PEM.
  type: dict
  returned: O(state=present)
issued:
  description: Servers whose certificate was requested again, or would be, each with the reason.
  type: dict
  returned: success
  sample: {"kafka": "its names have changed"}
objects:
  description: Objects that were changed, by kind and name.
  type: list
  elements: str
  returned: success
  sample: [Certificate kafka-certificate]
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kubernetes_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.cluster import Manager
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.manager import Issuer
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import require_library
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run


def main():
    run(
        kubernetes_arguments()
        | {
            "namespace": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "issuer": {
                "type": "dict",
                "options": {
                    "kind": {"type": "str", "default": "ClusterIssuer"},
                    "name": {"type": "str", "required": True},
                    "group": {"type": "str", "default": "cert-manager.io"},
                },
            },
            "servers": {"type": "dict", "default": {}},
            "hosts": {"type": "dict", "default": {}},
            "mutual": {"type": "list", "elements": "str", "default": []},
            "days": {"type": "int", "default": 365},
            "renew_days": {"type": "int", "default": 60},
            "timeout": {"type": "int", "default": 180},
        },
        perform,
        required_if=[("state", "present", ("issuer",))],
    )


def perform(params, check_mode):
    require_library()
    if params["renew_days"] >= params["days"]:
        raise InvalidError(
            f"Certificates of {params['days']} days cannot be renewed {params['renew_days']} days before their end",
            remedy="set renew_days below days",
        )
    api = connect(params["kubeconfig"], params["context"], params["namespace"])
    issuer = Issuer(**(params["issuer"] or {"kind": "", "name": ""}))
    manager = Manager(api, issuer, params["days"], params["renew_days"], params["timeout"], check_mode)
    present = params["state"] == "present"
    done = manager.have(params["servers"], params["hosts"], params["mutual"]) if present else manager.drop()
    return Outcome(
        changed=bool(done.changes),
        before={name: before for name, before, _after in done.changes},
        after={name: after for name, _before, after in done.changes},
        facts={
            **({"servers": done.contents} if present else {}),
            "issued": done.issued,
            "objects": [name for name, _before, _after in done.changes],
        },
        warnings=done.warnings,
    )


if __name__ == "__main__":
    main()
