# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options that belong together, checked when they are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tfnative._base.options.declare import options_of
from tfnative.errors import InvalidArgumentError

_S = TypeVar("_S", bound="OptionSet")


@dataclass(frozen=True, kw_only=True)
class OptionSet:
    """The base of what is asked for; its fields are declared with ``option``."""

    def __post_init__(self) -> None:
        for each in options_of(type(self)):
            value = each.checked(getattr(self, each.name))
            object.__setattr__(self, each.name, value)

    def given(self, *groups: str) -> dict[str, Any]:
        """What differs from the defaults, by name, of some groups or of all."""
        return {
            each.name: getattr(self, each.name)
            for each in options_of(type(self))
            if (not groups or each.group in groups)
            and not _is_default(getattr(self, each.name), each.default)
        }

    def to_json(self) -> dict[str, Any]:
        """All values as JSON has them, for another process.

        Raises:
            InvalidArgumentError: One is nothing that another process could be given.
        """
        return {
            each.name: None
            if (value := getattr(self, each.name)) is None
            else each.kind.to_json(value)
            for each in options_of(type(self))
        }

    def record(self) -> dict[str, Any]:
        """What differs from the defaults and is to be kept, as JSON has it."""
        given = self.given()
        return {
            each.name: each.kind.record(given[each.name])
            for each in options_of(type(self))
            if each.name in given and each.is_kept
        }

    @classmethod
    def from_json(cls: type[_S], content: Mapping[str, Any]) -> _S:
        """The options of what ``to_json`` gave; those that are not in it by default.

        Raises:
            InvalidArgumentError: One is not known, or not of its kind.
        """
        unknown = content.keys() - {each.name for each in options_of(cls)}
        if unknown:
            raise InvalidArgumentError(f"unknown options: {', '.join(sorted(unknown))}")
        return cls(**content)


def combine(
    of: type[_S], options: _S | None, keywords: Mapping[str, Any], function: str
) -> _S:
    """The options of a call: ``options``, in which keywords replace what they name.

    Raises:
        InvalidArgumentError: A value is not of its option's kind.
        TypeError: There is no such keyword, as where Python itself looks.
    """
    for name in keywords:
        if name not in {each.name for each in options_of(of)}:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    if options is None:
        return of(**keywords)
    if not isinstance(options, of):
        raise InvalidArgumentError(
            f"options must be tfnative.{of.__name__} or None, got {options!r}"
        )
    return dataclasses.replace(options, **keywords)


def _is_default(value: Any, default: Any) -> bool:
    # A value may be an array, or hold some, which have an idea of their own of ==.
    return value is default or (type(value) is type(default) and value == default)
