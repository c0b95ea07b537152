# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server describes a signature as its clients read it."""

from __future__ import annotations

import numpy as np
import pytest

from tfnative._signature import Signature, TensorSpec

pytest.importorskip("google.protobuf", reason="needs protobuf")

from tfnative.serving.signatures import definition_of, signature_of

SHAPES = {"a": None, "b": (-1, 3), "c": (), "d": None, "e": (2, -1)}


def test_every_tensor_comes_back_whatever_is_known_of_its_shape() -> None:
    specs = {n: TensorSpec(n, np.dtype("f4"), shape) for n, shape in SHAPES.items()}
    sent = Signature("any", specs, dict(reversed(specs.items())), (), False)
    found = signature_of("any", definition_of(sent))
    assert found == sent


def test_what_has_rows_everywhere_takes_any_number_of_them() -> None:
    rows = {"x": TensorSpec("x", np.dtype("i8"), (-1, 2))}
    sent = Signature("any", rows, rows, (), True)
    assert signature_of("any", definition_of(sent)) == sent
