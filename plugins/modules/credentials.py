#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credentials
short_description: Create the missing passwords and keys of an instance
version_added: 1.0.0
description:
  - Keeps each credential in a file of its own, C(<home>/credentials/<name>), which only root may read.
  - A credential that is missing is made at random. One that is given takes its place.
  - The values are in the result, so register it with C(no_log=true).
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
options:
  home:
    description: The instance's home.
    type: path
    required: true
  names:
    description: Credentials that are made where they are missing.
    type: list
    elements: str
    default: []
  given:
    description: Credentials that the user gives, by name. They replace what is in the files.
    type: dict
    default: {}
  rotate:
    description:
      - Credentials among O(names) that are recreated although they are there.
      - This is no idempotent request. Every run with it makes another value.
    type: list
    elements: str
    default: []
  length:
    description: Characters of a credential that is made. Letters and digits only, so that it never needs escaping.
    type: int
    default: 32
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change. What would be made has a placeholder as its value.
  diff_mode:
    support: full
    description: Returns which files have changed, or would; never a value.
"""

EXAMPLES = r"""
- name: Create the missing passwords
  cdc.pipeline.credentials:
    home: /var/lib/cdc-pipeline/local
    names: [postgresql_cdc]
    given:
      object_store_secret_key: "{{ vault_object_store_secret_key }}"
  register: credentials
  no_log: true
"""

RETURN = r"""
credentials:
  description: The value of each credential, by name.
  type: dict
  returned: success
created:
  description: Names of those that were made or replaced, or would be.
  type: list
  elements: str
  returned: success
folder:
  description: Where the files are.
  type: str
  returned: success
"""

import re
import secrets
import string
from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Disk, Folder, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run

_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Below it, a password that is exposed to the network can be guessed.
_SHORTEST = 16


def main():
    run(
        {
            "home": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            # The values are what the caller wants: no_log would return asterisks. The caller registers with no_log.
            "given": {"type": "dict", "default": {}, "no_log": False},
            "rotate": {"type": "list", "elements": "str", "default": []},
            "length": {"type": "int", "default": 32},
        },
        perform,
        show=lambda params: {**params, "given": sorted(params["given"])},
    )


def perform(params, check_mode):
    folder = Path(params["home"]) / "credentials"
    given = {name: str(value) for name, value in params["given"].items() if value not in (None, "")}
    names = sorted({*params["names"], *given})
    require_sense(names, given, params["rotate"], params["length"])
    disk = Disk()
    values, created = {}, []
    for name in names:
        found = read(folder / name)
        wanted = given.get(name, found)
        if wanted is None or (name in params["rotate"] and name not in given):
            wanted = f"to-be-made-{name}" if check_mode else make(params["length"])
        values[name] = wanted
        if wanted != found:
            created.append(name)
    # A file that others can read differs, too.
    targets = [target(folder, name, values[name]) for name in names]
    differences = [found for item in targets if (found := disk.differs(item))]
    if not check_mode and differences:
        for path in (Path(params["home"]), folder):
            wanted = Folder(path, 0o755 if path != folder else 0o700, None, None)
            if disk.folder_differs(wanted):
                disk.make_folder(wanted)
        for item in targets:
            if disk.differs(item):
                disk.write(item)
    facts = {"credentials": values, "created": created, "folder": str(folder)}
    return Outcome(bool(differences), differences=differences, facts=facts)


def require_sense(names, given, rotate, length):
    """Raises InvalidError where the request makes no sense."""
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise InvalidError(f"Not a name of a credential: {', '.join(wrong)}", remedy="use letters, digits, . _ and -")
    unknown = sorted(set(rotate) - set(names))
    if unknown:
        raise InvalidError(f"Cannot rotate {', '.join(unknown)}", why=f"known are {', '.join(names)}")
    fixed = sorted(set(rotate) & set(given))
    if fixed:
        raise InvalidError(f"Cannot rotate {', '.join(fixed)}", why="the inventory gives its value; change it there")
    if length < _SHORTEST:
        raise InvalidError(f"A length of {length} is too short", remedy=f"use at least {_SHORTEST}")


def target(folder, name, value):
    """The file of a credential."""
    return Target(folder / name, value + "\n", 0o600, secret=True)


def read(path):
    """The credential in the file at ``path``; None where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def make(length):
    """A random credential. It begins with a letter: some tools take a leading digit or dash for something else."""
    return secrets.choice(string.ascii_letters) + "".join(secrets.choice(_ALPHABET) for _index in range(length - 1))


if __name__ == "__main__":
    main()
