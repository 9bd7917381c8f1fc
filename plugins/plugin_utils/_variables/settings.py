# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The values that the roles will see, checked against their specifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.template import Templar

from ...module_utils._problem import Problem
from ...module_utils._secrets import is_secret_name
from .declared import COMMON, ROOT, Declared

_CHECKED = ("type", "elements", "choices", "options", "required_together", "required_one_of", "mutually_exclusive")
_NESTED = (*_CHECKED, "required")
_LONGEST = 80
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "1": "true"}
_BOOLEANS |= {"false": "false", "no": "false", "off": "false", "0": "false"}


class Settings:
    """Variables as templated and typed values, with the roles' defaults below them.

    :param variables: all variables of a host, untemplated.
    """

    def __init__(self, declared: Declared, variables: Mapping[str, Any], templar: Templar) -> None:
        self._declared = declared
        self._given = variables
        self._variables = {**declared.defaults, **variables, **declared.own.get(COMMON, {})}
        self._templar = templar.copy_with_new_env(available_variables=self._variables)
        self._values: dict[str, Any] = {}
        self._broken: set[str] = set()

    @property
    def names(self) -> set[str]:
        """Every specified variable."""
        return set(self._declared.options)

    def check(self) -> list[Problem]:
        """What does not fit its specification. Defaults are not looked at: a test of the collection does that."""
        problems = []
        for name, option in sorted(self._declared.options.items()):
            if name not in self._given:
                continue
            if name in self._declared.defaults and self._given[name] == self._declared.defaults[name]:
                continue
            problem = self._check(name, option)
            if problem:
                problems.append(problem)
                self._broken.add(name)
        return problems

    def get(self, name: str) -> Any:
        """The value of a variable; None when it is wrong, which was reported, or cannot be had out of its role."""
        if name in self._broken:
            return None
        if name not in self._values:
            try:
                self._values[name] = self._typed(name, self._template(name))
            except AnsibleError:
                self._values[name] = None
        return self._values[name]

    def _template(self, name: str) -> Any:
        return self._templar.template(self._variables.get(name))

    def value(self, name: str) -> Any:
        """The value of a variable, without a specification.

        :raises AnsibleError: it cannot be computed.
        """
        return self._template(name)

    def in_role(self, role: str, **known: Any) -> Settings:
        """The same as the tasks of that role see them: with its own variables and its folder.

        :param known: variables that a run has set by then.
        """
        own = self._declared.own.get(role, {})
        variables = {**self._given, **known, **own, "role_path": str(ROOT / "roles" / role)}
        return Settings(self._declared, variables, self._templar)

    def _typed(self, name: str, value: Any) -> Any:
        option = self._declared.options.get(name)
        if option is None or value is None:
            return value
        return _validator(name, option).validate({name: value}).validated_parameters.get(name)

    def _check(self, name: str, option: Mapping[str, Any]) -> Problem | None:
        secret = bool(option.get("no_log")) or is_secret_name(name)
        try:
            value = self._template(name)
        except AnsibleError as error:
            return Problem(
                "variable",
                f"The value of {name} cannot be computed",
                found="" if secret else str(error).splitlines()[0],
                remedy="correct the template that it is set to, or define what the template uses",
            )
        if value is None and not option.get("required"):
            return None
        if option.get("type") == "bool" and isinstance(value, str) and value.lower() in _BOOLEANS:
            return _textual(name, value.lower())
        result = _validator(name, option).validate({name: value})
        # Ansible takes the text of a list or a map for a text.
        other = option.get("type") == "str" and isinstance(value, (Mapping, list))
        if not result.error_messages and not other:
            self._values[name] = result.validated_parameters.get(name)
            return None
        found = "a secret, not shown" if secret else _short(value)
        what = f"{name} must be {_expected(option)}"
        if isinstance(value, Mapping) and option.get("options") and not secret:
            what, found = f"{name} does not have the right keys or values", "; ".join(result.error_messages)
        return Problem("variable", what, found=found, remedy=f"correct {name}: {_purpose(option)}")


def _validator(name: str, option: Mapping[str, Any]) -> ArgumentSpecValidator:
    return ArgumentSpecValidator({name: _plain(option, _CHECKED)})


def _plain(option: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """An option without documentation and defaults, which Ansible's validator would fill in."""
    kept = {key: option[key] for key in keys if key in option}
    if "options" in kept:
        kept["options"] = {name: _plain(inner, _NESTED) for name, inner in kept["options"].items()}
    # Ansible warns of secrets by name; nothing of this is logged.
    return {**kept, "no_log": False}


def _expected(option: Mapping[str, Any]) -> str:
    if option.get("choices"):
        return "one of " + ", ".join(str(choice) for choice in option["choices"])
    kinds = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "str": "text",
        "path": "a path",
        "dict": "a map",
        "list": "a list",
    }
    expected = kinds.get(option.get("type", "str"), "as its specification says")
    if option.get("elements"):
        expected += f" of {option['elements']}"
    return expected


def _purpose(option: Mapping[str, Any]) -> str:
    description = option.get("description", "")
    return str(description if isinstance(description, str) else description[0]).strip()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _textual(name: str, value: str) -> Problem:
    # In a template the text "false" counts as true, so that the opposite of what was meant would happen.
    return Problem(
        "variable",
        f"{name} must be true or false, and `-e {name}={value}` gives text",
        found=repr(value),
        remedy=f"""write -e '{{"{name}": {_BOOLEANS[value]}}}'""",
    )
