#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Write small files into a folder, and links to them
version_added: 1.0.0
description:
  - Has a few small files below one folder with the content that is given, in one step for all of them.
  - A file is replaced at once, so that nobody ever reads half of it. Missing folders are made.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
options:
  folder:
    description: The folder that contains the files.
    type: path
    required: true
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The path below O(folder).
        type: str
        required: true
      content:
        description: The text of the file. It is shown in the difference.
        type: str
        default: ""
      mode:
        description: The permissions, in octal.
        type: str
        default: "0644"
      link:
        description:
          - The path of a symbolic link to the file.
          - It is made where nothing is, and removed where it leads to this file. Whatever else is there is left alone.
        type: path
  exact:
    description:
      - Whether O(folder) holds only these files. All other files are removed.
      - If O(files) is empty, O(folder) is removed.
    type: bool
    default: false
  state:
    description: Whether the files and their links are there. Folders below O(folder) go with the last file in them.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change.
  diff_mode:
    support: full
    description: Returns which files and links have changed, or would.
"""

EXAMPLES = r"""
- name: Install a command and a link to it
  cdc.pipeline.host_files:
    folder: /var/lib/cdc-pipeline/local
    files:
      - name: bin/cdc
        content: "{{ command }}"
        mode: "0755"
        link: /usr/local/bin/cdc

- name: Write the certificates of these authorities and remove all others
  cdc.pipeline.host_files:
    folder: /var/lib/cdc-pipeline/local/trust
    files:
      - {name: kafka.pem, content: "{{ certificate }}"}
    exact: true
"""

RETURN = r"""
links:
  description: The links that lead to their file, or would.
  type: list
  elements: str
  returned: success
"""

import os
import stat
from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Difference, Disk, Folder, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run

_FILE = {
    "name": {"type": "str", "required": True},
    "content": {"type": "str", "default": ""},
    "mode": {"type": "str", "default": "0644"},
    "link": {"type": "path"},
}


def main():
    run(
        {
            "folder": {"type": "path", "required": True},
            "files": {"type": "list", "elements": "dict", "required": True, "options": _FILE},
            "exact": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        perform,
    )


def perform(params, check_mode):
    folder = Path(params["folder"])
    targets = [target(folder, item) for item in params["files"]]
    links = {
        Path(item["link"]): found.path for item, found in zip(params["files"], targets, strict=True) if item["link"]
    }
    disk = Disk()
    if params["state"] == "absent":
        ours = [link for link, path in links.items() if leads_to(link, path)]
        return removed(disk, [*ours, *(item.path for item in targets)], folder, [], check_mode)
    others = disk.strangers(folder, {item.path for item in targets}) if params["exact"] else []
    if params["exact"] and not targets:
        return removed(disk, others, folder.parent, [folder], check_mode)

    folders = [Folder(path, 0o755, None, None) for path in sorted({folder, *(item.path.parent for item in targets)})]
    missing = [item for item in folders if not item.path.is_dir()]
    wrong = [(item, found) for item in targets if (found := disk.differs(item))]
    fresh = [link for link in links if not os.path.lexists(link)]
    differences = [
        *(found for _item, found in wrong),
        *(gone(path) for path in others),
        *(Difference(link, None, f"-> {links[link]}\n") for link in fresh),
    ]
    reached = [str(link) for link, path in links.items() if link in fresh or leads_to(link, path)]
    if not check_mode:
        for item in missing:
            disk.make_folder(item)
        for item, _found in wrong:
            disk.write(item)
        for path in others:
            disk.remove(path)
        for link in fresh:
            disk.link(link, links[link])
    return Outcome(bool(missing or differences), differences=differences, facts={"links": reached})


def removed(disk, paths, top, folders, check_mode):
    """Removes files and links, and the folders below ``top`` that are empty then."""
    there = [path for path in paths if os.path.lexists(path)]
    folders = sorted({*folders, *(path.parent for path in there if top in path.parent.parents)}, reverse=True)
    there_too = [path for path in folders if path.is_dir()]
    differences = [gone(path) for path in there]
    if not check_mode:
        for path in there:
            disk.remove(path)
        for path in there_too:
            if not any(path.iterdir()):
                path.rmdir()
    return Outcome(bool(there or there_too), differences=differences, facts={"links": []})


def target(folder, item):
    """The file that is stated. Raises InvalidError where its name leads out of the folder or its mode is none."""
    path = Path(os.path.normpath(folder / item["name"]))
    if folder not in path.parents:
        raise InvalidError(f"{item['name']} is not below {folder}", remedy="give a path below the folder")
    try:
        return Target(path, item["content"], int(item["mode"], 8))
    except ValueError as error:
        remedy = 'write it in octal, such as "0644"'
        raise InvalidError(f"{item['mode']} is not a valid file mode", where=item["name"], remedy=remedy) from error


def leads_to(link, path):
    """Whether ``link`` is a symbolic link to ``path``."""
    return link.is_symlink() and link.readlink() == path


def gone(path):
    """The difference of what is removed."""
    if path.is_symlink():
        return Difference(path, f"-> {path.readlink()}\n", None)
    plain = stat.S_ISREG(path.stat().st_mode)
    return Difference(path, path.read_text("utf-8", errors="replace") if plain else "<no plain file>\n", None)


if __name__ == "__main__":
    main()
