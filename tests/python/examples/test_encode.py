# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Examples are written as TensorFlow reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tfnative

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
VALUES = st.one_of(
    st.lists(st.binary(max_size=20), max_size=4),
    st.lists(st.text(max_size=20), max_size=4),
    st.lists(INT64, max_size=4),
    st.lists(FLOATS, max_size=4),
    INT64,
    FLOATS,
    st.binary(),
    st.text(),
    st.booleans(),
)


def values_of(feature) -> list:
    kind = feature.WhichOneof("kind")
    return [] if kind is None else list(getattr(feature, kind).value)


def as_tensorflow_has(value) -> list:
    values = value if isinstance(value, list) else [value]
    return [v.encode() if isinstance(v, str) else v for v in values]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=5))
def test_tensorflow_reads_what_was_written(features):
    tf = pytest.importorskip("tensorflow")
    found = tf.train.Example.FromString(tfnative.encode_example(features))
    assert found.features.feature.keys() == features.keys()
    for name, value in features.items():
        assert values_of(found.features.feature[name]) == as_tensorflow_has(value)


def test_arrays_of_any_shape_and_kind_are_lists_of_values():
    tf = pytest.importorskip("tensorflow")
    features = {
        "image": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "half": np.array([0.5, 2], np.float16),
        "names": np.array([["a", "bc"]]),
        "raw": np.array([b"\x00\x01\x00"], object),
        "none": np.empty((0, 3), np.float32),
    }
    found = tf.train.Example.FromString(tfnative.encode_example(features))
    feature = found.features.feature
    assert feature["image"].int64_list.value == [0, 1, 2, 3, 4, 5]
    assert feature["half"].float_list.value == [0.5, 2]
    assert feature["names"].bytes_list.value == [b"a", b"bc"]
    assert feature["raw"].bytes_list.value == [b"\x00\x01\x00"]
    assert feature["none"].WhichOneof("kind") == "float_list"


def test_the_order_of_features_does_not_matter():
    one = tfnative.encode_example({"a": 1, "b": 2.5})
    assert one == tfnative.encode_example({"b": 2.5, "a": 1})


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (2**63, "feature 'x'.*int64"),
        (1j, "feature 'x'.*complex128"),
        ([b"a", 1], "feature 'x'.*bytes or str, got int"),
        ([[1], [1, 2]], "feature 'x'"),
        (object(), "feature 'x'.*bytes or str, got object"),
    ],
)
def test_what_an_example_cannot_hold_is_refused(value, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        tfnative.encode_example({"x": value})


@pytest.mark.parametrize("value", [1e300, [0.5, -1e39], np.array([1e300])])
def test_a_number_that_would_become_infinite_is_refused(value):
    with pytest.raises(tfnative.InvalidArgumentError, match="float32 cannot hold"):
        tfnative.encode_example({"x": value})
    assert tfnative.encode_example({"x": np.inf})
