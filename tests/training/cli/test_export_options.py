# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An export takes what matters to it, and refuses how a model is to be trained."""

from __future__ import annotations

import argparse
import shlex

import pytest

from training.cli import export, fit
from training.cli.main import main

TAKEN = {
    *("--checkpoints", "--output", "--overwrite", "--model", "--data"),
    *("--data-folder", "--skip-corrupt", "--json", "--help", "-h"),
}


def options_of(command: object) -> set[str]:
    parsers = argparse.ArgumentParser().add_subparsers()
    actions = command.add(parsers)._actions  # type: ignore[attr-defined]
    return {option for action in actions for option in action.option_strings}


def test_an_export_takes_these_options():
    assert options_of(export) == TAKEN


@pytest.mark.parametrize("option", sorted(options_of(fit) - TAKEN))
def test_options_of_training_are_wrong_usage(
    option: str, capsys: pytest.CaptureFixture[str]
):
    words = f"export --checkpoints here --output there {option} 1"
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(words))
    assert ended.value.code == 2
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err


@pytest.mark.parametrize("left", ["--checkpoints here", "--output there"])
def test_an_export_needs_both_folders(left: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["export", *left.split()])
    assert "required" in capsys.readouterr().err
