# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options for people: in signatures, in docstrings, and as a table in Markdown."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tfnative._base.options.declare import Option, options_of
from tfnative._base.options.option_set import OptionSet

_F = TypeVar("_F", bound=Callable[..., Any])
_C = TypeVar("_C", bound=type[Any])
_WIDTH = 88
_KEYWORDS = re.compile(r"^( *)\*\*keywords:.*\n(?:\1 +.*\n)*", re.MULTILINE)


def takes_options(of: type[OptionSet]) -> Callable[[_F], _F]:
    """Shows the options of a function that takes them as ``**keywords``.

    ``help`` and ``inspect.signature`` show each with its default, in the place of the
    keywords and of what the docstring says of them.
    """

    def show(function: _F) -> _F:
        shown: Any = function
        shown.__signature__ = _signature(inspect.signature(function), of)
        shown.__doc__ = _KEYWORDS.sub(
            lambda found: _described(options_of(of), found[1]), function.__doc__ or ""
        )
        return function

    return show


def shows_options(kind: _C) -> _C:
    """Adds the options of a class to its docstring."""
    text = inspect.cleandoc(kind.__doc__ or "")
    kind.__doc__ = f"{text}\n\nAttributes:\n{_described(options_of(kind), '    ')}"
    return kind


def markdown_table(of: type[OptionSet]) -> str:
    """A row for each option: its keyword, flag, default and meaning."""
    options = options_of(of)
    has_groups = any(each.group for each in options)
    columns = ["keyword", *(["for"] if has_groups else []), "flag", "default"]
    lines = [_row([*columns, "what it does"]), _row(["---"] * (len(columns) + 1))]
    for each in options:
        flag = f"`{each.flag}`" if each.flag else ""
        group = [each.group] if has_groups else []
        notes = [each.clause, each.kind.as_keyword]
        if each.flag and each.kind.as_flag:
            notes.append(f"the flag {each.kind.as_flag}")
        text = "; ".join(filter(None, notes))
        lines.append(_row([f"`{each.name}`", *group, flag, each.default_text, text]))
    return "".join(f"{line}\n" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _signature(of: inspect.Signature, kind: type[OptionSet]) -> inspect.Signature:
    own = list(of.parameters.values())
    keyword = inspect.Parameter.KEYWORD_ONLY
    first = [each for each in own if each.kind < inspect.Parameter.VAR_POSITIONAL]
    last = [each for each in own if each.kind is keyword]
    options = [
        inspect.Parameter(
            each.name, keyword, default=each.default, annotation=each.annotation
        )
        for each in options_of(kind)
    ]
    return of.replace(parameters=[*first, *options, *last])


def _described(options: Iterable[Option], indent: str) -> str:
    return "".join(_paragraph(each, indent) for each in options)


def _paragraph(of: Option, indent: str) -> str:
    text = ", ".join(filter(None, (of.clause, of.kind.as_keyword)))
    sentence = f"{text[0].upper()}{text[1:]}."
    if of.default_text:
        sentence += f" Default: {of.default_text}."
    shown = textwrap.fill(
        f"{of.name}: {sentence}",
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return f"{shown}\n"
