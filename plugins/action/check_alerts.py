# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Adds to what the host's tools say what they do not know; documented in the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.cdc.pipeline.plugins.module_utils._alert_tools import PROMTOOL
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.own_rules import own_problems, refusals


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        found = {**result, **self._execute_module(module_args=self._task.args, task_vars=task_vars)}
        if found.get("failed"):
            return found
        problems = refusals(found["refused"])
        for path, text in (self._task.args.get("rules") or {}).items():
            problems += own_problems(path, text, self._task.args.get("taken") or (), PROMTOOL not in found["missing"])
        if problems:
            error = PreflightError("the rules and receivers of alerts", problems, unchanged="no component")
            return {**found, "failed": True, "msg": error.message}
        return found
