# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Each number of the command line has a range; what is outside is a wrong command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from tfnative import cli

# What has to stand before the options of each command, so that it is complete.
NEEDED = {
    "bench": ["build/digits"],
    "compile": ["saved", "-o", "out"],
    "inspect": ["build/digits"],
    "optimize": ["saved", "-o", "out"],
    "profile": ["build/digits"],
    "run": ["build/digits", "--input", "x.npy"],
    "score": ["--model", "build/digits", "--input", "x.csv", "--output", "out"],
    "selftest": ["build/digits"],
    "serve": ["models/digits"],
    "tune": ["build/digits"],
    "serving predict": ["a:1", "m", "--input", "x.npy"],
    "serving status": ["a:1", "m"],
    "serving metadata": ["a:1", "m"],
    "serving wait": ["a:1", "m"],
}
NEVER = ["nan", "-nan", "inf", "-inf", "1e400", "-1", "-0.5", "", "a", "9" * 5000]


def parsers(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, inner in action.choices.items():
                yield from parsers(inner, f"{name} {command}".strip())


def numeric_flags() -> list[tuple[str, str]]:
    """All flags whose values are numbers."""
    found = []
    for name, parser in parsers(cli.make_parser()):
        for action in parser._actions:
            if not action.option_strings or action.nargs == 0:
                continue
            kind = getattr(action.type, "__qualname__", "")
            if "_checked" in kind or "_argument" in kind:
                found.append((name, action.option_strings[0]))
    return found


def test_no_flag_takes_any_number_there_is():
    for name, parser in parsers(cli.make_parser()):
        for action in parser._actions:
            assert action.type not in (int, float), (name, action.option_strings)


@pytest.mark.parametrize("value", NEVER)
def test_what_no_flag_can_be_is_a_wrong_command(value, capsys):
    flags = numeric_flags()
    assert len(flags) > 15
    for name, flag in flags:
        command = [*name.split(), *NEEDED[name], f"{flag}={value}"]
        with pytest.raises(SystemExit) as ended:
            cli.main(command)
        assert ended.value.code == cli.USAGE, command
        said = capsys.readouterr().err
        assert f"argument {flag}" in said or "error: argument" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "command",
    [
        "serve models/digits --threads 0",
        "serve models/digits --threads 99999999999999",
        "run build/digits --input x.npy --threads=-1",
        "bench build/digits --threads 0",
        "bench build/digits --batch-sizes 99999999999999",
        "bench build/digits --batch-sizes 1,-1",
        "bench build/digits --trace t.json",
        "bench build/digits --profile --batch-sizes 1,2",
        "compile saved -o out --batch-sizes 0",
        "compile saved -o out --rtol nan",
        "compile saved -o out --constant training",
        "compile saved -o out --max-accuracy-drop 101%",
        "compile saved -o out --max-accuracy-drop half",
        "compile saved -o out --min-signal-to-noise=-3",
        "compile saved -o out --precision-report curve.jpg",
        "serve models/digits --tls-key key.pem",
        "serve models/digits --map-in-place --trusted-keys key.pub",
        "serve",
        "sign",
        "serving status a:1 m --key key.pem",
        "tune build/digits --concurrency 0",
        "tune build/digits --latency-target-ms 0",
    ],
)
def test_flags_that_are_wrong_are_a_wrong_command(command, capsys):
    try:
        code = cli.main(command.split())
    except SystemExit as ended:
        code = ended.code
    assert code == cli.USAGE
    said = capsys.readouterr().err
    assert "error: " in said
    assert "Traceback" not in said


def test_flags_that_exclude_each_other_are_named_as_flags(capsys):
    command = "serve models/digits --map-in-place --trusted-keys key.pub"
    assert cli.main(command.split()) == cli.USAGE
    said = capsys.readouterr().err
    assert "--map-in-place" in said
    assert "--trusted-keys" in said
