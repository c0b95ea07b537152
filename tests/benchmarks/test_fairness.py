# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of fairness sends is what it says."""

from __future__ import annotations

import json

import numpy as np

from benchmarks.fairness import large_body
from tfnative import Signature
from tfnative._signature import TensorSpec


def test_a_large_body_is_a_request_of_about_that_size():
    inputs = {
        "x": TensorSpec("x", np.dtype(np.float32), (-1, 3)),
        "y": TensorSpec("y", np.dtype(np.int64), (-1, 2, 2)),
    }
    body = large_body(Signature("s", inputs, {}, (), True), 0.5)
    assert 0.45e6 < len(body) < 0.55e6
    found = json.loads(body)
    assert found["signature_name"] == "s"
    x, y = (np.array(found["inputs"][name]) for name in "xy")
    assert x.shape[1:] == (3,)
    assert y.shape == (len(x), 2, 2)
    assert y.dtype == np.int64
