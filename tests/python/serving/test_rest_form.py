# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What answers and paths of the REST API say, without a server."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative.serving import rest_form
from tfnative.serving.types import ModelSpec, ServingState

F4 = np.dtype(np.float32)

ERRORS = {
    tfnative.InvalidArgumentError: [400],
    tfnative.PermissionDeniedError: [401, 403],
    tfnative.NotFoundError: [404],
    tfnative.FailedPreconditionError: [409, 412],
    tfnative.ResourceExhaustedError: [413],
    tfnative.DeadlineExceededError: [408, 504],
    tfnative.CancelledError: [499],
    tfnative.InternalError: [500],
    tfnative.UnimplementedError: [501],
    tfnative.UnavailableError: [429, 502, 503],
}


def test_each_status_of_http_has_its_error():
    found: dict[type[tfnative.Error], list[int]] = {}
    for status, code in rest_form.STATUS_CODES.items():
        found.setdefault(tfnative.errors.type_for(code), []).append(status)
    assert found == ERRORS


def test_codes_by_name_are_grpcs():
    grpc = pytest.importorskip("grpc", reason="needs grpcio")
    assert {code.name: code.value[0] for code in grpc.StatusCode} == rest_form.CODES


@pytest.mark.parametrize(
    ("spec", "verb", "path"),
    [
        (ModelSpec("m"), "", "/v1/models/m"),
        (ModelSpec("m"), "predict", "/v1/models/m:predict"),
        (ModelSpec("m"), "/metadata", "/v1/models/m/metadata"),
        (ModelSpec("m", 3), "predict", "/v1/models/m/versions/3:predict"),
        (ModelSpec("m", label="a b"), "", "/v1/models/m/labels/a%20b"),
        (ModelSpec("a/b"), "", "/v1/models/a%2Fb"),
    ],
)
def test_paths_name_a_model_and_what_is_asked_of_it(spec, verb, path):
    assert rest_form.model_path(spec, verb) == path


def signature_with(*outputs: tfnative.TensorSpec) -> tfnative.Signature:
    return tfnative.Signature("s", {}, {o.name: o for o in outputs}, (), True)


ONE = signature_with(tfnative.TensorSpec("y", F4, (-1, 2)))
STRINGS = signature_with(tfnative.TensorSpec("y", np.dtype(object), (-1,)))
TWO = signature_with(
    tfnative.TensorSpec("a", F4, (-1,)),
    tfnative.TensorSpec("b", np.dtype(np.int64), None),
)


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_are_not_asked_for(name: str):
    # Whoever folds them away, as clients and proxies do, asks for something else.
    for spec in (ModelSpec(name), ModelSpec("m", label=name)):
        with pytest.raises(tfnative.InvalidArgumentError, match="over REST"):
            rest_form.model_path(spec)
    assert rest_form.model_path(ModelSpec("a..", label="...")).endswith(
        "a../labels/..."
    )


@pytest.mark.parametrize(
    "version", ["4", "..", "1/../2", True, 4.5, b"1", np.float32(1)]
)
def test_a_version_is_a_whole_number(version: Any):
    with pytest.raises(tfnative.InvalidArgumentError, match="expected a whole number"):
        ModelSpec("m", version=version)
    path = rest_form.model_path(ModelSpec("m", version=np.int64(4)))  # type: ignore[arg-type]
    assert path == "/v1/models/m/versions/4"


@pytest.mark.parametrize(
    ("signature", "outputs", "expected"),
    [
        (ONE, [[1, 2]], {"y": np.array([[1, 2]], F4)}),
        (ONE, [], {"y": np.empty((0, 2), F4)}),
        (TWO, {"a": [1], "b": [[2]]}, {"a": np.ones(1, F4), "b": np.array([[2]])}),
        (TWO, {"a": [], "b": []}, {"a": np.empty(0, F4), "b": np.empty(0, np.int64)}),
    ],
)
def test_outputs_have_the_types_and_shapes_of_the_signature(
    signature, outputs, expected
):
    found = rest_form.read_outputs({"outputs": outputs}, signature, "m")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("outputs", [[1], {"a": [1], "c": [1]}, {"a": [1]}, 3])
def test_outputs_of_other_names_are_refused(outputs):
    with pytest.raises(tfnative.InternalError, match="expected the outputs a, b, got"):
        rest_form.read_outputs({"outputs": outputs}, TWO, "m")


def test_labels_are_there_if_a_class_has_one():
    rows = [[["a", 0.25], ["b", 0.75]], [["a", 1], ["b", 0]]]
    found = rest_form.read_classifications({"results": rows}, "m")
    assert found.labels is not None
    assert found.labels.tolist() == [["a", "b"], ["a", "b"]]
    assert found.scores.tolist() == [[0.25, 0.75], [1, 0]]
    for rows, shape in (([[["", 1]]], (1, 1)), ([[], []], (2, 0))):
        found = rest_form.read_classifications({"results": rows}, "m")
        assert found.labels is None
        assert found.scores.shape == shape


def status_of(version: Any, state: Any = "AVAILABLE", **status: Any) -> dict[str, Any]:
    return {"version": version, "state": state, "status": status}


def test_versions_come_newest_first_with_what_is_wrong_with_them():
    body = {
        "model_version_status": [
            status_of("1", "END", error_code="NOT_FOUND", error_message="gone"),
            status_of("3", error_code="OK"),
            status_of("2", "NOVEL", error_code="NOVEL", error_message="odd"),
            {"version": 4},
        ]
    }
    found = rest_form.read_versions(body, "m")
    assert [(each.version, each.state) for each in found] == [
        (4, ServingState.UNKNOWN),
        (3, ServingState.AVAILABLE),
        (2, ServingState.UNKNOWN),
        (1, ServingState.END),
    ]
    assert found[0].error is found[1].error is None
    assert "odd" in str(found[2].error)
    assert isinstance(found[3].error, tfnative.NotFoundError)


@pytest.mark.parametrize(
    "status", [{}, {"version": "x"}, [], status_of("1") | {"status": 1}]
)
def test_a_version_without_a_number_or_a_status_is_refused(status):
    with pytest.raises(tfnative.InternalError, match="no status of a version"):
        rest_form.read_versions({"model_version_status": [status]}, "m")


@pytest.mark.parametrize(
    ("body", "said"),
    [({"error": "no"}, "no"), ({"error": 1}, None), ({}, None), (["error"], None)],
)
def test_an_error_is_text_in_an_object(body, said):
    assert rest_form.error_message(body) == said


@pytest.mark.parametrize("output", [[[1, 2, 3]], [1, 2], 1, [[[1, 2]]], [[1], [2]]])
def test_outputs_of_other_shapes_are_refused(output: Any):
    with pytest.raises(tfnative.InternalError, match=r"'y': expected the shape"):
        rest_form.read_outputs({"outputs": output}, ONE, "m")


def test_answers_may_be_nested_in_vain():
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for signature in (ONE, STRINGS):
        with pytest.raises(tfnative.InternalError):
            rest_form.read_outputs({"outputs": deep}, signature, "m")
