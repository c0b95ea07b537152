# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that the pages show are ones that the command line takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from training import strategies
from training.cli.fit import options_of
from training.cli.main import make_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/training.md", "training/README.md")


def commands() -> list[str]:
    """Each ``python -m training ...`` of a block, on one line."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
            lines = block.replace("\\\n", " ").splitlines()
            found += of_each_round([" ".join(line.split()) for line in lines])
    return [line for line in found if line.startswith("python -m training ")]


def of_each_round(lines: list[str]) -> list[str]:
    """The lines, with the values that a loop of the shell gives its variable."""
    for loop in re.finditer(r"^for (\w+) in (.*); do$", "\n".join(lines), re.M):
        name, values = f"${loop[1]}", loop[2].split()
        lines = [
            line.replace(name, value)
            for line in lines
            for value in (values if name in line else [""])
        ]
    return lines


@pytest.mark.parametrize("command", commands())
def test_a_command_of_a_page_is_taken(command, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    parsed = make_parser().parse_args(shlex.split(command)[3:])
    if shlex.split(command)[3] == "fit":
        strategies.check_options(options_of(parsed))
