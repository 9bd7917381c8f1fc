# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Leaves a module of this package: its report becomes the result, its error the failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._errors import MissingLibraryError, PipelineError
from .diagnosis import Masker
from .disk import Difference

INSTANCE_OPTION: dict[str, Any] = {"type": "dict", "required": True}


def leave(
    module: AnsibleModule, perform: Callable[[], tuple[bool, list[Difference], dict[str, Any]]], mask: Masker
) -> None:
    """Calls ``perform`` (changed, differences, further keys) and leaves with its result.

    Args:
        mask: replaces secrets in the differences and in every message.
    """
    invocation = {"module_args": {key: value for key, value in module.params.items() if key != "workload"}}
    workload = module.params.get("workload")
    if isinstance(workload, dict):
        shown = {key: value for key, value in workload.items() if key != "secrets"}
        if workload.get("secrets"):
            shown["secrets"] = dict.fromkeys(workload["secrets"], "********")
        invocation["module_args"]["workload"] = shown
    try:
        changed, differences, facts = perform()
    except MissingLibraryError as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.trace, invocation=invocation)
    except PipelineError as error:
        module.fail_json(msg=mask(error.message), invocation=invocation, **error.details)
    result: dict[str, Any] = {"changed": changed, "invocation": invocation, **facts}
    if module._diff and differences:
        result["diff"] = [{key: mask(text) for key, text in item.shown().items()} for item in differences]
    module.exit_json(**result)
