# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the values of options are: how they are checked, written, and given as flags."""

from __future__ import annotations

import math
import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tfnative._base.text import has_utf8

MOST = 2**31 - 1
"""No size, number of threads or of a device is larger."""

Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""What a list of paths may be given as."""

YES_OR_NO = "yes_or_no"
"""The action of a flag that may be given as --it and --no-it, as add_flags knows it."""


class Kind(ABC):
    """A kind of values.

    Attributes:
        expected: What ``check`` takes, as the end of "must be ...".
        as_keyword: How to write it in Python, where that is not plain.
        as_flag: What is to be said of its flag, as the end of "it ...".
    """

    expected: str
    as_keyword: str = ""
    as_flag: str = ""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """The value in one form, which nobody else changes.

        Raises:
            TypeError, ValueError: It is not of this kind.
        """

    @abstractmethod
    def argument(self, default: Any) -> dict[str, Any]:
        """What ``add_argument`` has to know to take it as a flag."""

    def from_flag(self, given: Any) -> Any:
        """What ``check`` takes, of what argparse made.

        Raises:
            InvalidArgumentError: It is not of this kind.
        """
        return given

    def to_json(self, value: Any) -> Any:
        """What ``check`` makes the value of again, as JSON has it."""
        return value

    def record(self, value: Any) -> Any:
        """What is written down of it for good, as JSON has it."""
        return self.to_json(value)

    def text(self, value: Any) -> str:
        """As somebody would write it behind its flag."""
        return str(value)


class Text(Kind):
    """A text."""

    expected = "a str"

    def __init__(self, metavar: str) -> None:
        self._metavar = metavar

    def check(self, value: Any) -> str:
        """See Kind."""
        if not isinstance(value, str) or not has_utf8(value):
            raise TypeError
        return value

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": self._metavar}


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self._words = words
        *first, last = map(repr, words)
        self.expected = f"{', '.join(first)} or {last}"

    def check(self, value: Any) -> str:
        """See Kind."""
        if not isinstance(value, str) or value not in self._words:
            raise ValueError
        return value

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"choices": self._words}


class Switch(Kind):
    """Whether or not."""

    expected = "True or False"

    def check(self, value: Any) -> bool:
        """See Kind."""
        if value is not True and value is not False:
            raise TypeError
        return value

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind: --it where it is off, --it and --no-it elsewhere."""
        if default is False:
            return {"action": "store_true"}
        return {"action": YES_OR_NO}

    def text(self, value: Any) -> str:
        """See Kind."""
        return "yes" if value else ""


class Number(Kind):
    """A number that is not negative."""

    def __init__(self, most: float | None = None) -> None:
        self._most = most
        self.expected = "a finite number from 0 on"
        if most is not None:
            self.expected = f"a number from 0 to {most:g}"

    def check(self, value: Any) -> float:
        """See Kind."""
        if type(value).__name__ in ("bool", "bool_"):  # NumPy's, too.
            raise TypeError
        number = float(_no_text(value))
        if not math.isfinite(number) or number < 0:
            raise ValueError
        if self._most is not None and number > self._most:
            raise ValueError
        return number

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"type": float, "metavar": "X"}


class Points(Number):
    """Points of percent: "0.5%", or 0.5."""

    def __init__(self) -> None:
        super().__init__(100)
        self.expected = 'points of percent from 0 to 100, as "0.5%" or 0.5'

    def check(self, value: Any) -> float:
        """See Kind."""
        return super().check(points(value) if isinstance(value, str) else value)

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"type": points, "metavar": "X%"}

    def text(self, value: Any) -> str:
        """See Kind."""
        return f"{value:g}%"


class Whole(Kind):
    """A whole number."""

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self._least, self._most = least, most
        self.expected = "a whole number"
        if most is not None:
            self.expected += f" in {least} to {most}"
        elif least is not None:
            self.expected += f" from {least} on"

    def check(self, value: Any) -> Any:
        """See Kind."""
        number = whole(value)
        if self._least is not None and number < self._least:
            raise ValueError
        if self._most is not None and number > self._most:
            raise ValueError
        return number

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"type": int, "metavar": "N"}


class Wholes(Kind):
    """Whole numbers, at least one."""

    def __init__(self, least: int) -> None:
        self._least = least
        self.expected = f"whole numbers from {least} to {MOST}"

    def check(self, value: Any) -> tuple[int, ...]:
        """See Kind."""
        numbers = tuple(whole(each) for each in _a_list(value))
        if not numbers or min(numbers) < self._least or max(numbers) > MOST:
            raise ValueError
        return numbers

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"type": whole_numbers, "metavar": "N,..."}

    def to_json(self, value: Any) -> list[int]:
        """See Kind."""
        return list(value)

    def text(self, value: Any) -> str:
        """See Kind."""
        return ",".join(map(str, value))


class Names(Kind):
    """Names. A flag has several, or one if a name may have a comma in it."""

    expected = "a list of names"
    as_flag = "may be given several times"

    def __init__(self, metavar: str, *, one_each: bool = False) -> None:
        self._metavar = metavar
        self._one_each = one_each

    def check(self, value: Any) -> Any:
        """See Kind."""
        names = tuple(_a_list(value))
        if not all(isinstance(name, str) and has_utf8(name) for name in names):
            raise TypeError
        return names

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        if self._one_each:
            return {"action": "append", "metavar": self._metavar}
        metavar = f"{self._metavar},..."
        return {"action": "extend", "type": words, "metavar": metavar}

    def to_json(self, value: Any) -> Any:
        """See Kind."""
        return list(value)

    def text(self, value: Any) -> str:
        """See Kind."""
        return ",".join(value)


class PathList(Kind):
    """Paths, or one of them."""

    expected = "a path, or a list of paths"
    as_flag = "may be given several times"

    def __init__(self, metavar: str) -> None:
        self._metavar = metavar

    def check(self, value: Any) -> tuple[str, ...]:
        """See Kind."""
        one = isinstance(value, str | os.PathLike)
        paths = tuple(map(os.fspath, [value] if one else _a_list(value)))
        for path in paths:
            if not isinstance(path, str) or not path or "\0" in path:
                raise ValueError
        if not paths or not all(map(has_utf8, paths)):
            raise ValueError
        return paths

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"action": "append", "metavar": self._metavar}

    def to_json(self, value: Any) -> list[str]:
        """See Kind."""
        return list(value)

    def text(self, value: Any) -> str:
        """See Kind."""
        return ", ".join(value)


class Folder(Kind):
    """A path of a folder."""

    expected = "a path"

    def check(self, value: Any) -> str:
        """See Kind."""
        path = os.fspath(value)
        if not isinstance(path, str) or not path or "\0" in path or not has_utf8(path):
            raise ValueError
        return path

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": "DIR"}


def whole(value: Any) -> int:
    """A whole number, of any type of them; True and False are none."""
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def words(text: str) -> list[str]:
    """Parses "a,b"."""
    return [part.strip() for part in text.split(",") if part.strip()]


def points(text: str) -> float:
    """Parses "0.5%", whose sign may be left out."""
    return float(text.strip().removesuffix("%"))


def whole_numbers(text: str) -> list[int]:
    """Parses "1,8,32"."""
    from argparse import ArgumentTypeError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a list of whole numbers, as in 1,8,32"
        ) from None


def _a_list(value: Any) -> Any:
    if isinstance(value, Mapping):
        raise TypeError
    return _no_text(value)


def _no_text(value: Any) -> Any:
    if isinstance(value, str | bytes | bool):
        raise TypeError
    return value
