# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of layers in 8 bits: the range of their numbers, or who finds it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tfnative._cli.inspect_precision import show
from tfnative.manifest import LayerPrecision, Precision


def test_ranges_are_shown_or_that_they_are_found_at_run_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    eight = LayerPrecision("dense", "MatMul", (8, 4), "int8", computed="int8")
    layers = (
        replace(eight, input_range=(-1.5, 2.0)),
        replace(eight, node="while/own"),
        LayerPrecision("last", "MatMul", (8, 4), "float32"),
    )
    signature = SimpleNamespace(precision=Precision("int8", layers, (), ()))
    manifest: Any = SimpleNamespace(signatures={"serving_default": signature})
    show(manifest, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    ends = {line.split()[0]: line for line in lines if "MatMul" in line}
    assert ends["dense"].endswith("-1.5 to 2")
    assert ends["while/own"].endswith("each row, at run time")
    assert ends["last"].rstrip().endswith("float32")
