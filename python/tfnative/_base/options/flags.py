# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options as flags of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

from tfnative._base.options.declare import Option, options_of
from tfnative._base.options.kinds import YES_OR_NO, points, whole_numbers
from tfnative._base.options.option_set import OptionSet
from tfnative.errors import InvalidArgumentError


class UsageError(InvalidArgumentError):
    """A flag has a value that it does not take, or flags contradict each other."""


class _YesOrNo(argparse.BooleanOptionalAction):
    """--it and --no-it, whose help says no more than it is told to."""

    def __init__(self, *, help: str | None = None, **rest: Any) -> None:  # noqa: A002
        super().__init__(**rest)
        self.help = help


def add_flags(
    parser: argparse.ArgumentParser,
    of: type[OptionSet],
    only: Collection[str] | None = None,
) -> None:
    """Adds the flags of options.

    Args:
        parser: Where to.
        of: Where they are declared.
        only: The names of those that the command has. Default: all.
    """
    parser.register("action", YES_OR_NO, _YesOrNo)
    for each in options_of(of):
        if each.flag and (only is None or each.name in only):
            parser.add_argument(
                each.flag,
                dest=each.name,
                default=argparse.SUPPRESS,  # The default stands in the declaration.
                help=_help(each),
                **_argument(each),
            )


def _argument(of: Option) -> dict[str, Any]:
    """What ``add_argument`` has to know; a number out of range is a wrong command."""
    argument = of.kind.argument(of.default)
    parse = argument.get("type")
    if parse not in (int, float, points, whole_numbers):
        return argument

    def checked(text: str) -> Any:
        try:
            value = parse(text)
            of.checked(value)
        except ValueError:  # An InvalidArgumentError is one.
            raise argparse.ArgumentTypeError(
                f"expected {of.kind.expected}, got {text!r:.60}"
            ) from None
        return value

    return {**argument, "type": checked}


def given_flags(of: type[OptionSet], found: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as keywords.

    Raises:
        UsageError: One is not of its kind.
    """
    given = {}
    for each in options_of(of):
        if each.flag and each.name in vars(found):
            try:
                given[each.name] = each.kind.from_flag(vars(found)[each.name])
                each.checked(given[each.name])
            except InvalidArgumentError as error:
                raise UsageError(str(error)) from None
    return given


def _help(of: Option) -> str:
    text = of.clause
    if of.kind.as_flag:
        text += f"; it {of.kind.as_flag}"
    if of.default_text:
        text += f" (default: {of.default_text})"
    return text.replace("%", "%%")
