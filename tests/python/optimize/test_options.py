# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What optimize can be asked for, whoever asks: a program or a command line."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative import InvalidArgumentError, OptimizeOptions, Transform
from tfnative._base.options.flags import add_flags, given_flags
from tfnative._compile import door
from tfnative._optimize.options import OptimizeKeywords


def test_each_option_is_a_keyword_too():
    names = {field.name for field in dataclasses.fields(OptimizeOptions)}
    assert names == OptimizeKeywords.__annotations__.keys()


def test_options_go_to_another_process_and_back():
    options = OptimizeOptions(
        transforms="remove_nodes(op=Identity) fold_constants", strict=True, samples=3
    )
    assert options.transforms == (
        Transform("remove_nodes", (("op", "Identity"),)),
        Transform("fold_constants"),
    )
    content = json.loads(json.dumps(options.to_json()))
    assert OptimizeOptions.from_json(content) == options


def test_flags_are_the_options():
    parser = argparse.ArgumentParser()
    add_flags(parser, OptimizeOptions)
    line = (
        '--transforms "fold_constants round_weights(num_steps=9)" --signature a '
        "--max-error 0.1 --strict --format graphdef --samples 7 --report net.html"
    )
    rounding = Transform("round_weights", (("num_steps", "9"),))
    given = given_flags(OptimizeOptions, parser.parse_args(shlex.split(line)))
    assert OptimizeOptions(**given) == OptimizeOptions(
        transforms=["fold_constants", rounding],
        signatures=["a"],
        max_error=0.1,
        strict=True,
        format="graphdef",
        samples=7,
        report="net.html",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transforms", 3),
        ("transforms", [3]),
        ("signatures", "serving_default"),
        ("format", "tflite"),
        ("representative_data", np.ones(3)),
        ("samples", 0),
        ("samples", 10_001),
        ("max_error", -1),
        ("max_error", float("nan")),
        ("strict", "yes"),
        ("report", "net.pb"),
        ("report", ""),
    ],
)
def test_other_values_are_refused_by_name(name: str, value: Any):
    with pytest.raises(InvalidArgumentError, match=name):
        OptimizeOptions(**{name: value})


def test_without_the_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
):
    find = door.importlib.util.find_spec
    monkeypatch.setattr(
        door.importlib.util,
        "find_spec",
        lambda name: None if name == "tensorflow" else find(name),
    )
    with pytest.raises(tfnative.FailedPreconditionError, match=r"tfnative\[aot\]"):
        tfnative.optimize(tmp_path, tmp_path / "small")
