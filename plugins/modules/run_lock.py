#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Allow one playbook run at a time
version_added: 1.0.0
description:
  - Takes a lock for the rest of the playbook run, and fails when another run has it.
  - The lock belongs to the C(ansible-playbook) process. It ends with that process, however it ends, so there is
    nothing to release and a run that was killed leaves nothing to clean up.
  - It works where Ansible runs on the host itself (connection C(local)). Elsewhere there is no such process to find,
    and the module only warns.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
options:
  path:
    description: The lock file.
    type: path
    required: true
  make_folder:
    description: Whether its folder is made if it is missing. With V(false) there is nothing to lock then.
    type: bool
    default: true
  what:
    description: What is locked, for the message.
    type: str
    default: this pipeline
attributes:
  check_mode:
    support: full
    description: In check mode the module fails when another run has the lock, and does not take it.
  diff_mode:
    support: none
    description: The lock is no part of the host's state, so it is never reported as a change.
"""

EXAMPLES = r"""
- name: Lock the instance
  cdc.pipeline.run_lock:
    path: /var/lib/cdc-pipeline/local/run.lock
    what: the instance local
"""

RETURN = r"""
owner:
  description: The process that has the lock, with its id, its command and since when it runs.
  type: dict
  returned: success
"""

from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._run_lock import find_run, take

_NO_RUN = "no ansible-playbook process on this host started this module: a second run is not kept out"


def main():
    run(
        {
            "path": {"type": "path", "required": True},
            "make_folder": {"type": "bool", "default": True},
            "what": {"type": "str", "default": "this pipeline"},
        },
        perform,
    )


def perform(params, check_mode):
    if not params["make_folder"] and not Path(params["path"]).parent.is_dir():
        return Outcome(False, facts={"owner": {}})
    playbook_run = find_run()
    if playbook_run is None:
        return Outcome(False, facts={"owner": {}}, warnings=[_NO_RUN])
    take(params["path"], playbook_run, params["what"], dry=check_mode)
    return Outcome(False, facts={"owner": playbook_run.shown()})


if __name__ == "__main__":
    main()
