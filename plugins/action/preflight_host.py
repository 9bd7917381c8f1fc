# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the module of the same name in the environment that the role artifacts gives the package managers.

That variable is a role's default, which other roles do not see, and it may hold a mirror's password, so that it cannot
be passed from task to task.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        environment = Settings(read_declared(self._loader), task_vars or {}, self._templar).get("artifacts_environment")
        given = {name: value for name, value in (environment or {}).items() if value not in (None, "")}
        self._task.environment = [given, *(self._task.environment or [])]
        return {**result, **self._execute_module(module_args=self._task.args, task_vars=task_vars)}
