# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs a module: parameters in, one outcome or one error out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._arguments import REST_REQUIRED_BY, REST_REQUIRED_TOGETHER, rest_arguments
from ._errors import MissingLibraryError, PipelineError
from ._secrets import mask, secret_values


@dataclass
class Outcome:
    """What a module did, or would do in check mode.

    :param changed: whether there was anything to do.
    :param before: the record that was found; with `after` it is the diff.
    :param after: the record that is there now, or would be.
    :param facts: further keys of the result.
    """

    changed: bool
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


Perform = Callable[[Mapping[str, Any], bool], Outcome]


def run(
    argument_spec: dict[str, Any], perform: Perform, *, secret_maps: Iterable[str] = (), **module_options: Any
) -> None:
    """Build the AnsibleModule, call `perform(params, check_mode)`, and leave with its outcome or its error.

    :param secret_maps: options that are maps with secrets among their values (`config`). They are masked by the
        names of their keys in everything that is returned.
    """
    # The module-wide no_log only keeps the parameters out of the system log, where maps would stand unmasked.
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, no_log=True, **module_options)
    extra = module.params.get("secret_keys") or ()
    shown = dict(module.params)
    for option in secret_maps:
        if shown.get(option):
            module.no_log_values.update(secret_values(shown[option], extra))
            shown[option] = mask(shown[option], extra)
    invocation = {"module_args": shown}

    try:
        outcome = perform(module.params, module.check_mode)
    except MissingLibraryError as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.trace, invocation=invocation)
    except PipelineError as error:
        module.fail_json(msg=error.message, invocation=invocation, **error.details)

    result = {"changed": outcome.changed, "invocation": invocation, **outcome.facts}
    if module._diff and outcome.before is not None:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**result)


def run_rest(
    argument_spec: dict[str, Any], perform: Perform, *, default_wait: int | None = None, **options: Any
) -> None:
    """:func:`run` for a module that talks to a REST API, with the options of the doc fragment `rest` added.

    :param default_wait: seconds; adds `wait_timeout` with this default.
    """
    run(
        rest_arguments(default_wait) | argument_spec,
        perform,
        required_together=REST_REQUIRED_TOGETHER,
        required_by=REST_REQUIRED_BY,
        **options,
    )
