# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options as flags of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

from tfnative._base.options.declare import Option, options_of
from tfnative._base.options.kinds import YES_OR_NO
from tfnative._base.options.option_set import OptionSet


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
                **each.kind.argument(each.default),
            )


def given_flags(of: type[OptionSet], found: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as keywords.

    Raises:
        InvalidArgumentError: One is not of its kind.
    """
    return {
        each.name: each.kind.from_flag(vars(found)[each.name])
        for each in options_of(of)
        if each.flag and each.name in vars(found)
    }


def _help(of: Option) -> str:
    text = of.clause
    if of.kind.as_flag:
        text += f"; it {of.kind.as_flag}"
    if of.default_text:
        text += f" (default: {of.default_text})"
    return text.replace("%", "%%")
