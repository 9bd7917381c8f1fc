#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
short_description: Create an instance's own certificate authority and the certificates that it issues
version_added: 1.0.0
description:
  - Keeps an authority, and a certificate with its key for each server and client, in a folder that only root may read.
  - A certificate is replaced when it is missing or damaged, its key does not fit, its names have changed, its
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
    description: How many days before its end a certificate is replaced.
    type: int
    default: 60
  given_authority:
    description: An authority that issues in the place of the instance's own.
    type: dict
    suboptions:
      certificate:
        description: Path of its certificate in PEM, with the way up to the root below it.
        type: path
      key:
        description: Path of its key in PEM, which is not encrypted.
        type: path
  given_servers:
    description:
      - The certificates of servers for which none is issued, by the server's name.
      - Paths of files in PEM - C(certificate), with what leads to a root below it, C(key), and C(ca), the authorities
        that clients trust.
    type: dict
    default: {}
  hosts:
    description: The hosts that clients verify each certificate by. Those in O(given_servers) have to fit them.
    type: dict
    default: {}
  mutual:
    description: Servers that also show their certificate as clients, and know each other by the subject C(CN=<name>).
    type: list
    elements: str
    default: []
  elsewhere:
    description: Names among O(servers) whose certificates somebody else issues.
    type: list
    elements: str
    default: []
  contents:
    description: Whether certificates and keys are in the result.
    type: bool
    default: true
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
- name: Create a certificate for each server
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
  returned: O(contents) is V(true)
servers:
  description: For each server C(certificate), C(key) and C(ca), the authority that its clients trust, all in PEM.
  type: dict
  returned: O(contents) is V(true)
clients:
  description: The same for each client.
  type: dict
  returned: O(contents) is V(true)
issued:
  description: Those that were issued, or would be, each with the reason.
  type: dict
  returned: success
  sample: {"servers/kafka": "its names have changed"}
"""

from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.files import Terms, kept
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.given import (
    Files,
    Unreadable,
    judge_authority,
    judge_server,
    paths,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import Wanted
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import now, pem, require_library
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Disk, Folder
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError, Problem


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
            "given_authority": {
                "type": "dict",
                "options": {"certificate": {"type": "path"}, "key": {"type": "path", "no_log": False}},
            },
            "given_servers": {"type": "dict", "default": {}},
            "hosts": {"type": "dict", "default": {}},
            "mutual": {"type": "list", "elements": "str", "default": []},
            "elsewhere": {"type": "list", "elements": "str", "default": []},
            "contents": {"type": "bool", "default": True},
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
    given_authority, given_servers = _given(params)
    servers = {
        name: Wanted(name, tuple(map(str, names)), terms.days)
        for name, names in params["servers"].items()
        if name not in given_servers and name not in params["elsewhere"]
    }
    clients = {name: Wanted(name, (), terms.days) for name in params["clients"]}
    wanted = {f"servers/{name}": each for name, each in servers.items()}
    wanted |= {f"clients/{name}": each for name, each in clients.items()}

    folder, disk = Path(params["folder"]), Disk()
    found = kept(folder, params["authority_name"], wanted, terms, given_authority.pair if given_authority else None)
    folders = [Folder(path, 0o700, None, None) for path in (folder, folder / "servers", folder / "clients")]
    wrong_folders = [item for item in folders if disk.folder_differs(item)]
    wrong = [(item, differs) for item in found.targets(folder) if (differs := disk.differs(item))]
    if not check_mode:
        for item in wrong_folders:
            disk.make_folder(item)
        for item, _differs in wrong:
            disk.write(item)

    authority = pem(*given_authority.ca) if given_authority else found.pairs["authority"].certificate_pem
    contents = {
        "authority": authority,
        "servers": {name: _shown(found.pairs[f"servers/{name}"], authority) for name in servers}
        | {name: _shown(each.pair, pem(*each.ca)) for name, each in given_servers.items()},
        "clients": {name: _shown(found.pairs[f"clients/{name}"], authority) for name in clients},
    }
    facts = {**(contents if params["contents"] else {}), "issued": found.issued}
    return Outcome(bool(wrong_folders or wrong), differences=[differs for _item, differs in wrong], facts=facts)


def _given(params):
    """What the user gives: an authority or None, and servers by their names. Raises PreflightError for mistakes."""
    authority = params["given_authority"] or {}
    authority = Files(authority.get("certificate") or "", authority.get("key") or "")
    servers = {
        name: Files(*(str((each or {}).get(kind) or "") for kind in ("certificate", "key", "ca")))
        for name, each in params["given_servers"].items()
    }
    contents = {path: _text(path) for path in paths([authority, *servers.values()])}
    time, problems, judged, found = now(), [], None, {}
    if authority.certificate or authority.key:
        judged, wrong = judge_authority("certificates_authority", authority, contents, time)
        problems += wrong
    for name, files in servers.items():
        variable = f"certificates_servers.{name}"
        if name not in params["servers"]:
            problems.append(_stranger(variable, params["servers"]))
            continue
        hosts, mutual = params["hosts"].get(name, ()), name if name in params["mutual"] else ""
        found[name], wrong = judge_server(variable, files, contents, hosts, mutual, time)
        problems += wrong
    if problems:
        raise PreflightError("the certificates that you give", problems)
    return judged, found


def _stranger(variable, servers):
    known = ", ".join(servers)
    return Problem(
        "certificate", f"{variable}: the pipeline runs no such server", f"it runs {known}", "correct the name"
    )


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        return Unreadable(error.strerror or str(error))


def _shown(pair, ca):
    return {"certificate": pair.certificate_pem, "key": pair.key_pem, "ca": ca}


if __name__ == "__main__":
    main()
