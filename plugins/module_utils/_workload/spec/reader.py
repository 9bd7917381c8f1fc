# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads typed values out of an untyped map and collects every problem with its place."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ..._contents import Content
from ..._suggest import did_you_mean

T = TypeVar("T")


class Reader:
    """A map at a place in a specification. Keys that were never asked for are unknown (:meth:`finish`)."""

    def __init__(self, data: Any, place: str, problems: list[str], name: str = "") -> None:
        self.place = place
        self.name = name
        self.problems = problems
        self._asked: list[str] = []
        if not isinstance(data, Mapping):
            self.problem(f"must be a map, not {_type(data)}")
            data = {}
        self.data: Mapping[str, Any] = data

    def problem(self, text: str, key: str | None = None) -> None:
        """Notes a problem at ``key`` of this map, or with the map itself."""
        place = ".".join(part for part in (self.place, key) if part)
        self.problems.append(f"{place}: {text}" if place else text)

    def _get(self, key: str, required: bool = False) -> Any:
        self._asked.append(key)
        value = self.data.get(key)
        if value is None and required:
            self.problem("is missing", key)
        return value

    def string(
        self, key: str, pattern: re.Pattern[str] | None = None, required: bool = False, example: str = ""
    ) -> str | None:
        """The text at ``key``; None where it is absent."""
        value = self._get(key, required)
        if value is None:
            return None
        if not _is_scalar(value):
            self.problem(f"must be a string, not {_type(value)}", key)
            return None
        text = _text(value)
        if pattern is not None and not pattern.fullmatch(text):
            self.problem(f"{text!r} is not a valid name (an example: {example})", key)
        return text

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """The text at ``key``, one of ``choices``."""
        value = self.string(key) or default
        if value not in choices:
            self.problem(f"{value!r} is not one of {', '.join(choices)}", key)
            return default
        return value

    def number(self, key: str, default: float, low: float) -> float:
        """The number at ``key``, at least ``low``."""
        value = self._get(key)
        if value is None:
            return default
        try:
            result = float(value)
        except (TypeError, ValueError):
            self.problem(f"must be a number, not {value!r}", key)
            return default
        if result < low:
            self.problem(f"must be at least {low}, not {value}", key)
        return int(result) if result == int(result) else result

    def integer(self, key: str, default: Any, low: int, high: int, required: bool = False) -> Any:
        """The whole number at ``key`` between ``low`` and ``high``."""
        value = self._get(key, required)
        if value is None:
            return default
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
            self.problem(f"must be a whole number, not {value!r}", key)
            return default
        if not low <= int(value) <= high:
            self.problem(f"must be between {low} and {high}, not {value}", key)
        return int(value)

    def boolean(self, key: str, default: bool) -> bool:
        """The truth value at ``key``."""
        value = self._get(key)
        if value is None:
            return default
        if str(value).lower() in ("true", "yes", "1"):
            return True
        if str(value).lower() not in ("false", "no", "0"):
            self.problem(f"must be true or false, not {value!r}", key)
        return False

    def quantity(self, key: str, convert: Callable[[Any], T], required: bool = False) -> T | None:
        """The quantity at ``key``, converted."""
        value = self._get(key, required)
        if value is None:
            return None
        try:
            return convert(value)
        except ValueError as error:
            self.problem(str(error), key)
            return None

    def strings(self, key: str, required: bool = False) -> tuple[str, ...]:
        """The list of texts at ``key``."""
        value = self._get(key, required)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.problem(f"must be a list of strings, not {_type(value)}", key)
            return ()
        if required and not value:
            self.problem("is empty", key)
        wrong = [index for index, item in enumerate(value) if not _is_scalar(item)]
        for index in wrong:
            self.problem(f"must be a string, not {_type(value[index])}", f"{key}[{index}]")
        return () if wrong else tuple(_text(item) for item in value)

    def integers(self, key: str) -> list[int]:
        """The list of whole numbers at ``key``."""
        found = []
        for item in self.strings(key):
            if item.isdigit():
                found.append(int(item))
            else:
                self.problem(f"must be whole numbers, not {item!r}", key)
        return found

    def string_map(self, key: str, pattern: re.Pattern[str] | None = None, example: str = "") -> dict[str, str]:
        """The map of texts at ``key``; its keys match ``pattern``."""
        value = self._get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problem(f"must be a map, not {_type(value)}", key)
            return {}
        for name, item in value.items():
            if pattern is not None and not pattern.fullmatch(str(name)):
                self.problem(f"{name!r} is not a valid name (an example: {example})", key)
            if not _is_scalar(item):
                self.problem(f"must be a string, not {_type(item)}", f"{key}.{name}")
        return {str(name): _text(item) for name, item in value.items() if _is_scalar(item)}

    def contents(self, key: str, pattern: re.Pattern[str], example: str) -> dict[str, Content]:
        """The map of files at ``key``: each a text, or a map ``{base64: text}`` for bytes."""
        value = self._get(key)
        if not isinstance(value, Mapping):
            return self.string_map(key)
        binary = {name: item for name, item in value.items() if isinstance(item, Mapping)}
        texts = {name: item for name, item in value.items() if name not in binary}
        plain = Reader({key: texts}, self.place, self.problems).string_map(key, pattern, example)
        encoded = Reader({key: binary}, self.place, self.problems).children(key, pattern, example)
        found = {**plain, **{item.name: item.base64() for item in encoded}}
        return {str(name): found[str(name)] for name in value if str(name) in found}

    def base64(self) -> bytes:
        """The bytes of a map ``{base64: text}``, which is all of this map."""
        text = self.string("base64", required=True) or ""
        self.finish()
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            self.problem(f"is not base64: {error}", "base64")
            return b""

    def child(self, key: str, scalar_key: str | None = None) -> Reader | None:
        """A reader of the map at ``key``, None where it is absent; a string stands for ``{scalar_key: string}``."""
        value = self._get(key)
        if scalar_key and isinstance(value, str):
            value = {scalar_key: value}
        return None if value is None else Reader(value, self._join(key), self.problems, key)

    def children(self, key: str, pattern: re.Pattern[str], example: str) -> Iterator[Reader]:
        """A reader of each map in the map at ``key``."""
        value = self._get(key)
        if value is None:
            return
        if not isinstance(value, Mapping):
            self.problem(f"must be a map, not {_type(value)}", key)
            return
        for name, item in value.items():
            if not pattern.fullmatch(str(name)):
                self.problem(f"{name!r} is not a valid name (an example: {example})", key)
            yield Reader(item, self._join(f"{key}.{name}"), self.problems, str(name))

    def items(self, key: str, scalar_key: str | None = None) -> Iterator[Reader]:
        """A reader of each map in the list at ``key``; a plain string stands for ``{scalar_key: string}``."""
        value = self._get(key)
        if value is None:
            return
        if not isinstance(value, (list, tuple)):
            self.problem(f"must be a list, not {_type(value)}", key)
            return
        for index, item in enumerate(value):
            data = {scalar_key: item} if scalar_key and isinstance(item, str) else item
            yield Reader(data, self._join(f"{key}[{index}]"), self.problems)

    def finish(self) -> None:
        """Notes every key that nobody asked for, with the nearest one that exists."""
        for key in self.data:
            if key not in self._asked:
                hint = did_you_mean(str(key), self._asked) or "known are " + ", ".join(sorted(self._asked))
                self.problem(f"unknown key; {hint}", str(key))

    def _join(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(value: Any) -> str:
    names = {dict: "a map", list: "a list", tuple: "a list", str: "a string", type(None): "nothing"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)
