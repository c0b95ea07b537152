# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Model.predict: what it takes, what it gives, what it refuses."""

from __future__ import annotations

import types

import numpy as np
import pytest

import tfnative


def rows(count: int, dtype: str = "float32") -> np.ndarray:
    return np.arange(count * 3, dtype=dtype).reshape(count, 3)


def aligned(count: int) -> np.ndarray:
    memory = np.zeros(count * 12 + 64, np.uint8)
    skip = -memory.ctypes.data % 64
    array = memory[skip : skip + count * 12].view(np.float32).reshape(count, 3)
    array[:] = rows(count)
    return array


def refused(model: tfnative.Model, value, match: str, **options) -> None:
    options.setdefault("signature", "affine")
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        model.predict(value, **options)


def test_an_array_gives_an_array_and_a_dict_a_dict(model):
    x = rows(2)
    y = model.predict(x, signature="affine")
    np.testing.assert_array_equal(y, 2 * x + 1)
    result = model.predict({"x": x}, signature="affine")
    assert list(result) == ["y"]
    np.testing.assert_array_equal(result["y"], y)
    mapping = types.MappingProxyType({"x": x})
    np.testing.assert_array_equal(model.predict(mapping, signature="affine")["y"], y)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 16, 17, 100, 1000])
def test_any_number_of_rows(model, count):
    for x in (rows(count), aligned(count)):
        y = model.predict(x, signature="affine")
        assert y.shape == (count, 3)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, 2 * x + 1)


def test_arrays_in_any_layout(model):
    x = rows(8)
    expected = 2 * x + 1
    for other in (
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        x[::-1][::-1],
        x.astype(">f4"),
        np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(8, 3),
    ):
        np.testing.assert_array_equal(
            model.predict(other, signature="affine"), expected
        )


def test_sequences_and_numbers_are_converted(model):
    y = model.predict([[1, 2, 3]], signature="affine")
    np.testing.assert_array_equal(y, [[3, 5, 7]])
    result = model.predict({"a": [1.0, 2.0], "b": 3}, signature="pair")
    np.testing.assert_array_equal(result["product"], [3, 6])
    assert result["b"] == 3
    assert model.predict([1, 2, 3, 4], signature="constant") == 10


def test_several_outputs_come_as_a_dict_without_a_batch_too(model):
    result = model.predict(
        {"a": np.ones(3, "f4"), "b": np.float64(2)}, signature="pair"
    )
    assert result["product"].shape == (3,)
    assert result["b"].shape == ()
    total = model.predict(np.ones(4, np.int32), signature="constant")
    assert total.shape == ()
    assert total == 4


def test_results_can_go_to_arrays_of_the_caller(model):
    x = rows(5)
    for out in (np.empty_like(x), aligned(5)):
        assert model.predict(x, signature="affine", out=out) is out
        np.testing.assert_array_equal(out, 2 * x + 1)
    out = {"y": np.empty_like(x)}
    result = model.predict({"x": x}, signature="affine", out=out)
    assert result["y"] is out["y"]
    np.testing.assert_array_equal(out["y"], 2 * x + 1)


def test_integer_types_that_numpy_has_twice(model):
    for dtype in ("intc", "int32"):
        assert model.predict(np.ones(4, dtype), signature="constant") == 4


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (rows(2, "float64"), r"input 'x': expected float32 \(rows, 3\), got float64"),
        (rows(2, "int32"), "got int32"),
        (rows(2, "complex64"), "got complex64"),
        (np.array([["a", "b", "c"]]), "expected float32, got <U1"),
        (np.array([[None, None, None]]), "expected float32, got object"),
        (rows(2)[0], r"got float32 \(3,\)"),
        (rows(2)[None], r"got float32 \(1, 2, 3\)"),
        (rows(2)[:, :2], r"got float32 \(2, 2\)"),
        (np.float32(1), r"got float32 \(\)"),
        ([[1, 2], [3]], "expected float32"),
        ([[1, 2, 3j]], "expected float32, got complex128"),
        ("text", "expected float32, got <U4"),
        (None, "expected float32"),
        ({"x": rows(1), "z": rows(1)}, "there is no input 'z'; expected 'x'"),
        ({"z": rows(1)}, "input 'x' is missing; expected 'x'"),
        ({}, "input 'x' is missing"),
        ({1: rows(1), "x": rows(1)}, "there is no input 1"),
    ],
    ids=str,
)
def test_inputs_that_do_not_fit_are_refused(model, value, match):
    refused(model, value, match)


def test_messages_name_the_model_the_signature_and_the_tensor(model):
    refused(model, rows(1, "float64"), r"model 'fake', signature 'affine'.*input 'x'")


def test_integers_that_do_not_fit_are_refused(model):
    refused(model, [2**40, 0, 0, 0], "int32", signature="constant")
    refused(model, [1.5, 0, 0, 0], "expected int32, got float64", signature="constant")


def test_integers_are_converted_by_value(model):
    for value in ([np.uint64(1)] * 4, [np.array(1)] * 4):
        assert model.predict(value, signature="constant") == 4
    too_large = [np.array(2**32 + 1), 0, 0, 0]
    refused(model, too_large, "cannot hold 4294967297", signature="constant")


def test_a_dict_may_change_while_its_values_are_converted(model):
    inputs = {}

    class Array:
        def __array__(self, dtype=None, copy=None):
            inputs.pop("b", None)
            return np.ones(2, dtype or "f4")

    for _ in range(20):
        inputs.update(a=Array(), b=np.full(100, 2.0)[0:1].reshape(()))
        result = model.predict(inputs, signature="pair")
        assert result["product"].tolist() == [2, 2]


def test_signatures_are_chosen_by_name(model):
    refused(model, rows(1), "has no signature 'none'; it has affine", signature="none")
    refused(model, rows(1), "signature must be a name", signature=3)
    refused(model, rows(1), "has no signature 'serving_default'", signature=None)
    refused(model, np.ones(2, "f4"), "expected a dict", signature="pair")


def test_inputs_must_agree_on_their_rows(model):
    y = np.ones(3, np.float32)
    refused(
        model, y, "takes the compiled batch sizes 2, 4 only, got 3", signature="mean"
    )


def test_outputs_that_do_not_fit_are_refused(model):
    x = rows(2)
    read_only = np.empty_like(x)
    read_only.flags.writeable = False
    for out, match in (
        (read_only, "output 'y': the array is read-only"),
        (np.empty((2, 3)), "expected float32, got float64"),
        (np.empty((3, 3), "f4"), r"output 'y'.*with 2 rows, got float32 \(3, 3\)"),
        (np.empty((2, 6), "f4")[:, ::2], "not C-contiguous"),
        ([[0] * 3] * 2, "expected an array to write to, got list"),
        ({"z": np.empty_like(x)}, "output 'y' is missing"),
        (x, "shares memory"),
    ):
        refused(model, x, match, out=out)


def test_wrong_calls_are_type_errors(model):
    with pytest.raises(TypeError, match="one positional argument"):
        model.predict()
    with pytest.raises(TypeError, match="one positional argument"):
        model.predict(rows(1), "affine")
    with pytest.raises(TypeError, match="no argument 'batch'"):
        model.predict(rows(1), batch=3)


def test_code_that_fails_is_an_internal_error(model):
    with pytest.raises(tfnative.InternalError, match="step 3 of 5 failed"):
        model.predict(np.ones(1, "f4"), signature="failing")


def test_nan_is_a_number_like_any_other(model):
    y = model.predict(np.full((1, 3), np.nan, "f4"), signature="affine")
    assert np.isnan(y).all()
