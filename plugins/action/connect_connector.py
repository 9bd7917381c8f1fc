# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs every module that asks a server: meta/runtime.yml names them. Documented in the modules.

In check mode a server of the pipeline that does not run as stated yet is asked as it runs, or not at all.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.cdc.pipeline.plugins.plugin_utils._awaited import as_reached

_COLLECTION = "cdc.pipeline."


class ActionModule(NormalAction):
    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        role = self._task._role
        # A task of a user's own may ask another server.
        if self._task.check_mode and role is not None and role.get_name().startswith(_COLLECTION):
            awaited = self._templar.template((task_vars or {}).get("cdc_awaited")) or {}
            module = self._task.action.rpartition(".")[2]
            self._task.args = as_reached(module, self._task.args, awaited)
        return super().run(tmp, task_vars)
