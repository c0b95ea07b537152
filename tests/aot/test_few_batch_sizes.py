# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that take some numbers of rows alone compile for these, or say which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.saving import function_save

pytestmark = pytest.mark.slow  # Several small compilations.

WIDTH = 3


def in_fours(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    groups = tf.reshape(x, [-1, 4, WIDTH])
    return {"y": tf.reshape(groups - tf.reduce_mean(groups, 1, True), [-1, WIDTH])}


def in_fives(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.concat(tf.split(x, 5), 0) * 2}


def of_four(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.reshape(x, [4, WIDTH]) * 2}


def saved(function: Callable[[Any], Any], folder: Path) -> Path:
    return function_save(function, x=((None, WIDTH), "float32"))(folder / "model")


@pytest.mark.parametrize(
    ("function", "sizes", "message"),
    [
        (in_fours, None, "does not take this many rows, but 4, 8, 12, 16, 20, ...; "),
        (in_fives, [3], "does not take this many rows, but 5, 10, 15, 20, 25, ...; "),
        (of_four, None, r"takes 4 rows, and no other .*: pass --shape x=4,3$"),
    ],
)
def test_what_a_model_takes_is_said(
    function: Any, sizes: Any, message: str, tmp_path: Path
) -> None:
    options = {} if sizes is None else {"batch_sizes": sizes}
    with pytest.raises(tfnative.CompileError, match=message):
        tfnative.compile(
            saved(function, tmp_path), tmp_path / "a", cpus=["native"], **options
        )


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (in_fours, {"batch_sizes": [4, 8]}),
        (in_fives, {"batch_sizes": [5]}),
        (of_four, {"shapes": {"x": [4, WIDTH]}}),
    ],
)
def test_what_a_model_takes_compiles(
    function: Any, options: Any, tmp_path: Path
) -> None:
    path = tfnative.compile(
        saved(function, tmp_path), tmp_path / "a", cpus=["native"], **options
    )
    sizes = options.get("batch_sizes", [4])
    with tfnative.load(path) as model:
        for rows in sizes:
            x = np.random.default_rng(1).uniform(size=(rows, WIDTH)).astype(np.float32)
            found = model.predict(x)
            np.testing.assert_allclose(found, function(x)["y"], rtol=1e-5, atol=1e-6)
        with pytest.raises(tfnative.InvalidArgumentError):
            model.predict(np.zeros((sizes[0] + 1, WIDTH), np.float32))
