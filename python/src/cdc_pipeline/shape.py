"""Turns JSON into dataclasses and names every problem at once, each with its place."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

Shape = TypeVar("Shape")
_MISSING = object()


class ShapeError(ValueError):
    """The data does not have the shape.

    Attributes:
        problems: one sentence for each wrong place.
    """

    def __init__(self, what: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{what}: " + "; ".join(problems))


def read(shape: type[Shape], data: Any, what: str) -> Shape:
    """``data`` as the dataclass ``shape``.

    Raises:
        ShapeError: with every missing, misspelt and mistyped key.
    """
    problems: list[str] = []
    result = _record(shape, data, "", problems)
    if problems:
        raise ShapeError(what, problems)
    return result


def _record(shape: type, data: Any, place: str, problems: list[str]) -> Any:
    if not isinstance(data, Mapping):
        problems.append(f"{place or 'the document'} must be an object, not {_kind(data)}")
        return None
    hints = typing.get_type_hints(shape)
    fields = {field.name: field for field in dataclasses.fields(shape)}
    for key in data:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            problems.append(f"{_at(place, key)} is unknown" + (f"; did you mean {near[0]}?" if near else ""))
    values = {}
    for name, field in fields.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        value = data.get(name, _MISSING)
        if value is _MISSING or (value is None and optional):
            if not optional:
                problems.append(f"{_at(place, name)} is missing")
            continue
        values[name] = _value(hints[name], value, _at(place, name), problems)
    return None if problems else shape(**values)


def _value(hint: Any, value: Any, place: str, problems: list[str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(hint) if each is not type(None)]
        return None if value is None else _value(inner[0], value, place, problems)
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast(type, hint), value, place, problems)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            problems.append(f"{place} must be a list, not {_kind(value)}")
            return ()
        inner_hint = typing.get_args(hint)[0]
        return tuple(_value(inner_hint, each, f"{place}[{index}]", problems) for index, each in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            problems.append(f"{place} must be an object, not {_kind(value)}")
            return {}
        inner_hint = typing.get_args(hint)[1]
        return {str(key): _value(inner_hint, each, _at(place, key), problems) for key, each in value.items()}
    return _scalar(hint, value, place, problems)


def _scalar(hint: Any, value: Any, place: str, problems: list[str]) -> Any:
    if hint is Any:
        return value
    if hint is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if hint is str and isinstance(value, bool):
        return "true" if value else "false"
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    # Templates make strings of numbers.
    if hint is int and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    problems.append(f"{place} must be {_name(hint)}, not {_kind(value)}")
    return None


def _at(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _name(hint: Any) -> str:
    return {str: "a string", int: "an integer", float: "a number", bool: "true or false"}.get(hint, str(hint))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}.get(
        type(value), type(value).__name__
    )
