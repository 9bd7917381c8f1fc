# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs a module: parameters in, one outcome or one error out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._arguments import REST_REQUIRED_BY, REST_REQUIRED_TOGETHER, rest_arguments
from ._awaited import require_check_mode, uncertain
from ._errors import MissingLibraryError, PipelineError
from ._secrets import mask as mask_settings
from ._secrets import secret_values

Params = Mapping[str, Any]
Mask = Callable[[str], str]


class Difference(Protocol):
    """How a file or an object differs from what it has to be."""

    def shown(self) -> Mapping[str, str]:
        """One entry of Ansible's diff."""


@dataclass
class Outcome:
    """What a module did, or would do in check mode.

    :param changed: whether there was anything to do.
    :param before: the record that was found; with `after` it is the diff.
    :param after: the record that is there now, or would be.
    :param facts: further keys of the result.
    :param differences: the diff, where several files or objects are concerned instead of one record.
    """

    changed: bool
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    differences: Sequence[Difference] = ()


Perform = Callable[[Params, bool], Outcome]


class _Module(AnsibleModule):
    """A module that returns no options where they do not fit its spec: nothing in them is masked then."""

    def log(self, msg: str, log_args: Mapping[str, Any] | None = None) -> None:
        """Write nothing to the system's log: passwords in options that are maps would stand there unmasked.

        The option `no_log` of AnsibleModule does not help, since each task sets its own in its place.
        """

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        super().fail_json(msg, **{"invocation": {"module_args": {}}, **result})


def run(
    argument_spec: dict[str, Any],
    perform: Perform,
    *,
    secret_maps: Iterable[str] = (),
    show: Callable[[Params], Params] = dict,
    mask: Callable[[Params], Mask] | None = None,
    **module_options: Any,
) -> None:
    """Build the AnsibleModule, call `perform(params, check_mode)`, and leave with its outcome or its error.

    :param secret_maps: options that are maps with secrets among their values (`config`). They are masked by the
        names of their keys in everything that is returned.
    :param show: what is returned as the invocation, where some options are not to be seen as they are.
    :param mask: makes, for the options, what replaces secrets in a text. It is applied to the invocation, to errors
        and to differences; the facts are the caller's own.
    """
    module = _Module(argument_spec=argument_spec, supports_check_mode=True, **module_options)
    extra = module.params.get("secret_keys") or ()
    shown = dict(show(module.params))
    for option in secret_maps:
        if shown.get(option):
            module.no_log_values.update(secret_values(shown[option], extra))
            shown[option] = mask_settings(shown[option], extra)
    hide = mask(module.params) if mask else str
    invocation = {"module_args": _hidden(shown, hide)}

    try:
        require_check_mode(module.params, module.check_mode)
        outcome = perform(module.params, module.check_mode)
    except MissingLibraryError as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.trace, invocation=invocation)
    except PipelineError as error:
        module.fail_json(msg=hide(error.message), invocation=invocation, **_hidden(error.details, hide))

    if uncertain(module.params):
        outcome = replace(outcome, changed=False, before=None, after=None)
    result = {"changed": outcome.changed, "invocation": invocation, **outcome.facts}
    if module._diff and outcome.before is not None:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    if module._diff and outcome.differences:
        result["diff"] = [_hidden(item.shown(), hide) for item in outcome.differences]
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**result)


def _hidden(value: Any, hide: Mask) -> Any:
    """`value` with `hide` applied to every text in it."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: _hidden(item, hide) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item, hide) for item in value]
    return value


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
