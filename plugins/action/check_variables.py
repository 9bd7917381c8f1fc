# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's half of the preflight; documented in the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError
from ansible_collections.cdc.pipeline.plugins.plugin_utils._catalogue import catalogue
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.names import unknown_names
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.needs import needs
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.renamed import read_renamed
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.rules import rule_problems
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import state


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        _result, arguments = self.validate_argument_spec(
            {"own_variables": {"type": "list", "elements": "str", "default": []}}
        )

        declared = read_declared(self._loader)
        # What patterns of tables mean is asked later; the names of topics are of no consequence here.
        settings = Settings(declared, {"postgresql_matched_tables": [], **variables}, self._templar)
        problems = [*unknown_names(variables, declared, read_renamed(self._loader), arguments["own_variables"])]
        problems += settings.check()
        stated = state(settings, [entry["role"] for entry in catalogue()])
        problems += rule_problems(settings.get, settings.names, stated)
        # A variable that is wrong makes what follows from it wrong, too: its own problem says more.
        problems = problems or stated.problems
        if problems:
            return {**result, "failed": True, "msg": PreflightError("the variables", problems).message}
        return {**result, "changed": False, "checked": len(declared.options), **needs(settings, stated)}
