# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of which a part is scaled."""

from __future__ import annotations

import numpy as np

from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.verify.mixed_scales import (
    ALL_BITS,
    Scaling,
    batches,
    scaled,
    scalings,
)

IMAGE = GraphTensor("image", "image:0", "float32", (-1, 4, 6, 2))
IDS = GraphTensor("ids", "ids:0", "int32", (-1, 4))
BIAS = GraphTensor("bias", "bias:0", "float32", (4,))


def test_every_dimension_and_whole_rows_are_scaled_by_every_factor() -> None:
    found = scalings([IMAGE, IDS])
    assert {how.axis for how in found} == {0, 1, 2, None}
    assert {how.factor for how in found} == {1e6, 1e3, 1e-6, ALL_BITS}
    assert len(found) == 13
    assert scalings([IDS]) == []


def test_each_row_is_scaled_in_its_own_way() -> None:
    chosen = [Scaling(0, 1e6), Scaling(2, 1e-6), Scaling(None, 1e3)]
    inputs = {
        "image": np.ones((3, 4, 6, 2), np.float32),
        "ids": np.ones((3, 4), np.int32),
        "bias": np.ones(4, np.float32),
    }
    found = scaled(inputs, [IMAGE, IDS, BIAS], chosen)
    assert found["image"].dtype == np.float32
    first, second, third = found["image"]
    np.testing.assert_array_equal(first[:, 0, 0], np.float32([1, 1, 1e6, 1]))
    np.testing.assert_array_equal(second[0, 0], np.float32([1e-6, 1]))
    assert (third == 1e3).all()
    assert (found["ids"] == 1).all()
    np.testing.assert_array_equal(found["bias"], np.float32([1, 1, 1e6, 1]))


def test_sums_of_what_has_all_bits_are_rounded() -> None:
    long = GraphTensor("long", "long:0", "float32", (200,))
    chosen = [how for how in scalings([long]) if how.factor == ALL_BITS]
    drawn = np.arange(200, dtype=np.float32) / 128
    found = scaled({"long": drawn}, [long], chosen)["long"]
    assert found.sum(dtype=np.float32) != found.sum(dtype=np.float64)
    assert drawn.sum(dtype=np.float32) == drawn.sum(dtype=np.float64)


def test_batches_are_full() -> None:
    chosen = scalings([IMAGE])
    made = list(batches(8, chosen, 13))
    assert [len(each) for each in made] == [8, 8]
    assert set(made[0]) | set(made[1]) == set(chosen)
    assert len(list(batches(1, chosen, 5))) == 5
