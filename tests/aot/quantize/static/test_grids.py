# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Grids are those of TensorFlow's kernels, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

ROUNDED = np.linspace(-20, 20, 4001, dtype=np.float32)


def ranges() -> Iterator[tuple[float, float]]:
    """With zero in the middle, at an end, outside, and between two numbers."""
    yield from ((-1, 1), (0, 6), (-6, 0), (0.5, 6), (-6, -1), (-1e-3, 5), (-3.1, 0.02))
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.uniform(-9, 9, (30, 2)), axis=1).astype(np.float32):
        yield float(low), float(high)


def all_rounded(
    functions: Sequence[Callable[[Any], Any]],
) -> Iterator[tuple[Any, Any]]:
    """What TensorFlow gives, and the numbers of the grid that each op has."""
    import tensorflow as tf

    from tfnative_aot.quantize.static.grids import grid_of

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, ROUNDED.shape)
        results = [function(x) for function in functions]
        with tf.compat.v1.Session(graph=graph) as session:
            all_found = session.run(results, {x: ROUNDED})
        for y, found in zip(results, all_found, strict=True):
            given = [tf.get_static_value(each) for each in y.op.inputs]
            grid = grid_of(y.op.node_def, given)
            assert grid is not None
            own = grid.quantization
            assert 0 <= grid.lowest <= own.zero <= grid.highest <= 255
            places = np.arange(grid.lowest, grid.highest + 1, dtype=np.float32)
            yield found, (places - own.zero) * np.float32(own.scale)


def nearest(numbers: Any, found: Any) -> Any:
    above = np.searchsorted(numbers, found).clip(1, len(numbers) - 1)
    low, high = numbers[above - 1], numbers[above]
    return np.where(found - low < high - found, low, high)


@pytest.mark.parametrize("narrow", [False, True])
def test_fake_quantization_has_the_numbers_of_its_grid(narrow: bool) -> None:
    import tensorflow as tf

    ways = [
        lambda x, op=op, low=low, high=high, bits=bits: op(x, low, high, bits, narrow)
        for op, (low, high), bits in product(
            (
                tf.quantization.fake_quant_with_min_max_vars,
                tf.quantization.fake_quant_with_min_max_args,
            ),
            ranges(),
            (2, 4, 7, 8),
        )
    ]
    for found, numbers in all_rounded(ways):
        assert [found.min(), found.max()] == [numbers[0], numbers[-1]]
        np.testing.assert_allclose(found, nearest(numbers, found), rtol=0, atol=3e-6)


@pytest.mark.parametrize("op", ["V2", "V3", "V4"])
def test_rounding_around_zero_has_the_numbers_of_its_grid(op: str) -> None:
    import tensorflow as tf

    function = getattr(tf.raw_ops, f"QuantizeAndDequantize{op}")
    ways = [
        lambda x, low=low, high=high, bits=bits, signed=signed, narrow=narrow: function(
            input=x,
            input_min=low,
            input_max=high,
            num_bits=bits,
            signed_input=signed,
            range_given=True,
            narrow_range=narrow,
        )
        for (low, high), bits, signed, narrow in product(
            ranges(), (4, 8), (False, True), (False, True)
        )
        if signed or high > 0  # Else there is nothing but zero.
    ]
    for found, numbers in all_rounded(ways):
        assert found.min() >= numbers[0]
        assert found.max() <= numbers[-1]
        np.testing.assert_array_equal(found, nearest(numbers, found))


@pytest.mark.parametrize(
    "made",
    [
        lambda tf, x: tf.quantization.fake_quant_with_min_max_vars(x, -1, 1, 9),
        lambda tf, x: tf.quantization.fake_quant_with_min_max_vars(x, 0, 0),
        lambda tf, x: tf.quantization.fake_quant_with_min_max_vars(x, x[0], 1),
        lambda tf, x: tf.quantization.fake_quant_with_min_max_vars_per_channel(
            x, -tf.ones(3), tf.ones(3)
        ),
        lambda tf, x: tf.quantization.quantize_and_dequantize_v2(x, -1, 1),
        lambda tf, x: tf.quantization.quantize_and_dequantize_v2(
            x, -np.ones(3), np.ones(3), range_given=True, axis=0
        ),
        lambda tf, x: tf.nn.relu(x),
    ],
)
def test_what_bytes_do_not_hold_has_no_grid(made: Callable[..., Any]) -> None:
    import tensorflow as tf

    from tfnative_aot.quantize.static.grids import grid_of

    with tf.Graph().as_default():
        y = made(tf, tf.compat.v1.placeholder(tf.float32, [3]))
        given = [tf.get_static_value(each) for each in y.op.inputs]
    before = y.op.node_def.SerializeToString(deterministic=True)
    node = y.op.node_def
    assert grid_of(node, given) is None
    assert node.SerializeToString(deterministic=True) == before
