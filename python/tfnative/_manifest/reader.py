# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads JSON, and checks what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from tfnative.errors import LoadError

_T = TypeVar("_T")


class Reader:
    """A JSON object whose fields are taken one by one, with their types checked."""

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, dict):
            raise LoadError(f"{place} is not an object")
        self._place = place
        self._fields: dict[str, Any] = value

    def take(self, name: str, kind: type[_T]) -> _T:
        """The value of a field, which is of that type."""
        where = f"{self._place}.{name}"
        if name not in self._fields:
            raise LoadError(f"{where} is missing")
        value = self._fields[name]
        if kind is float and type(value) is int:
            value = float(value)
        is_number = kind is not float or (
            isinstance(value, float) and math.isfinite(value)
        )
        if type(value) is not kind or not is_number:
            raise LoadError(f"{where}: {value!r} is not {_NOUN[kind]}")
        return value

    def take_list(self, name: str, read: Callable[[str, object], _T]) -> tuple[_T, ...]:
        """The values of a list, each read by a function."""
        values: list[object] = self.take(name, list)
        place = f"{self._place}.{name}"
        return tuple(read(f"{place}[{i}]", value) for i, value in enumerate(values))

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self._fields

    def is_null(self, name: str) -> bool:
        """Whether a field, which is there, has no value."""
        if name not in self._fields:
            raise LoadError(f"{self._place}.{name} is missing")
        return self._fields[name] is None

    def take_or_null(self, name: str, kind: type[_T]) -> _T | None:
        """The value of a field, which is there and may have none."""
        return None if self.is_null(name) else self.take(name, kind)

    def take_reader(self, name: str) -> Reader:
        """An object, to be read."""
        return Reader(f"{self._place}.{name}", self.take(name, dict))

    def take_object(self, name: str) -> dict[str, object]:
        """The fields of an object."""
        fields: dict[str, object] = self.take(name, dict)
        return fields


_NOUN: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def read_text(place: str, value: object) -> str:
    """A text, or a LoadError."""
    if not isinstance(value, str):
        raise LoadError(f"{place}: {value!r} is not a text")
    return value


def read_number(place: str, value: object) -> float:
    """A finite number, or a LoadError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number):
            return number
    raise LoadError(f"{place} in the manifest: {value!r} is not a finite number")


def read_whole(place: str, value: object) -> int:
    """A whole number, or a LoadError."""
    if type(value) is not int:
        raise LoadError(f"{place}: {value!r} is not a whole number")
    return value
