# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the reference of the command line from its argparse parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tfnative import cli


def render() -> str:
    """A section for each command, as Markdown."""
    return "\n".join(
        _section(name, parser) for name, parser in commands(cli.make_parser())
    )


def commands(
    parser: argparse.ArgumentParser, name: str = "tfnative"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, by its words, in the order of ``--help``."""
    nested = [
        action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    if not nested:
        yield name, parser
    for action in nested:
        for word, child in action.choices.items():
            yield from commands(child, f"{name} {word}")


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """The options that a command takes, as they are written."""
    return {flag for action in parser._actions for flag in action.option_strings}


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    lines = [f"## {name}", "", parser.description or "", ""]
    lines += ["| argument | meaning |", "| --- | --- |"]
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            lines.append(f"| {_name(action)} | {_meaning(action)} |")
    if parser.epilog:
        lines += ["", "```text", parser.epilog.strip("\n"), "```"]
    return "\n".join([*lines, ""])


def _name(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    flags = ", ".join(action.option_strings)
    return f"`{f'{flags} {value}'.strip()}`"


def _meaning(action: argparse.Action) -> str:
    return (action.help or "").replace("|", r"\|").replace("%%", "%")
