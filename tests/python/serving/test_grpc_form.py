# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Messages have the bytes of the official classes, and are read as they read them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import tfnative
from tests.python.serving.test_tensors import NUMBERS, STRINGS, official
from tfnative.serving import grpc_form, messages
from tfnative.serving.types import ModelSpec, ServingState

pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")


def api(name: str):
    return importlib.import_module(f"tensorflow_serving.apis.{name}_pb2")


NAMES = st.text(min_size=1, max_size=8)
SPECS = st.one_of(
    st.builds(ModelSpec, NAMES),
    st.builds(ModelSpec, NAMES, version=st.integers(0, 2**63 - 1), signature=NAMES),
    st.builds(ModelSpec, NAMES, label=NAMES),
)


def official_spec(spec: ModelSpec):
    found = api("model").ModelSpec(name=spec.name)
    if spec.version is not None:
        found.version.value = spec.version
    if spec.label is not None:
        found.version_label = spec.label
    if spec.signature is not None:
        found.signature_name = spec.signature
    return found


def is_ordered_alike(names: Iterable[str]) -> bool:
    """Whether the official library sorts them as we do: it has "ab" before "a"."""
    return not any(a.startswith(b) for a, b in permutations(names, 2))


@settings(deadline=None)
@given(
    SPECS,
    st.dictionaries(NAMES, st.one_of(NUMBERS, STRINGS), max_size=3),
    st.lists(NAMES, max_size=2),
)
def test_a_predict_request_has_the_bytes_of_the_official_one(spec, inputs, wanted):
    assume(is_ordered_alike(inputs))
    expected = api("predict").PredictRequest(model_spec=official_spec(spec))
    for name, array in inputs.items():
        expected.inputs[name].CopyFrom(official(array))
    expected.output_filter.extend(wanted)
    found = grpc_form.predict_request(spec, inputs, wanted)
    assert found == expected.SerializeToString(deterministic=True)
    read_spec, read_inputs, read_wanted = grpc_form.read_predict_request(found)
    assert (read_spec, read_wanted) == (spec, wanted)
    assert read_inputs.keys() == inputs.keys()
    for name, array in inputs.items():
        np.testing.assert_array_equal(read_inputs[name], array)


@settings(deadline=None)
@given(SPECS, st.dictionaries(NAMES, st.one_of(NUMBERS, STRINGS), max_size=3))
def test_a_predict_response_has_the_bytes_of_the_official_one(spec, outputs):
    assume(is_ordered_alike(outputs))
    expected = api("predict").PredictResponse(model_spec=official_spec(spec))
    for name, array in outputs.items():
        expected.outputs[name].CopyFrom(official(array))
    found = grpc_form.predict_response(spec, outputs)
    assert found == expected.SerializeToString(deterministic=True)
    read = grpc_form.read_predict_response(found, "x")
    for name, array in outputs.items():
        np.testing.assert_array_equal(read[name], array)


EXAMPLE = tfnative.encode_example({"age": 3})


@pytest.mark.parametrize("context", [None, tfnative.encode_example({"name": b"x"})])
def test_requests_with_examples_have_the_bytes_of_the_official_ones(context):
    spec = ModelSpec("m", 3, signature="s")
    request = api("classification").ClassificationRequest(
        model_spec=official_spec(spec)
    )
    listed = request.input.example_list
    if context is not None:
        listed = request.input.example_list_with_context
        listed.context.ParseFromString(context)
    for _ in range(2):
        listed.examples.add().ParseFromString(EXAMPLE)
    found = grpc_form.examples_request(spec, [EXAMPLE, EXAMPLE], context)
    assert found == request.SerializeToString(deterministic=True)

    multi = api("inference").MultiInferenceRequest(input=request.input)
    multi.tasks.add(model_spec=official_spec(spec), method_name="a/b")
    found = grpc_form.multi_inference_request([(spec, "a/b")], [EXAMPLE] * 2, context)
    assert found == multi.SerializeToString(deterministic=True)

    read = messages.ClassificationRequest.FromString(request.SerializeToString())
    examples = grpc_form.examples_of(read.input)
    assert examples == [(context or b"") + EXAMPLE] * 2


def test_classifications_go_both_ways():
    labels = np.array([["a", "b"], ["c", "d"]], object)
    scores = np.array([[0.5, 0.25], [1, 2]], np.float32)
    sent = grpc_form.classification_result(tfnative.Classifications(labels, scores))
    result = api("classification").ClassificationResult.FromString(
        sent.SerializeToString()
    )
    assert result.classifications[1].classes[0].label == "c"
    found = grpc_form.read_classifications(result, "x")
    assert found.labels.tolist() == labels.tolist()
    np.testing.assert_array_equal(found.scores, scores)
    shared = tfnative.Classifications(labels[0], scores)
    assert grpc_form.classification_result(shared).classifications[1].classes[1] == (
        messages.Class(label="b", score=2)
    )
    nameless = tfnative.Classifications(None, scores)
    read = grpc_form.read_classifications(
        grpc_form.classification_result(nameless), "x"
    )
    assert read.labels is None


def test_regressions_go_both_ways():
    sent = grpc_form.regression_result(np.array([1, 2.5], np.float32))
    result = api("regression").RegressionResult.FromString(sent.SerializeToString())
    assert grpc_form.read_regressions(result).tolist() == [1, 2.5]


def test_metadata_is_decoded():
    meta_graph = importlib.import_module("tensorflow.core.protobuf.meta_graph_pb2")
    definition = meta_graph.SignatureDef(method_name="tensorflow/serving/predict")
    x = definition.inputs["x"]
    x.name, x.dtype = "x:0", 1
    x.tensor_shape.dim.add(size=-1)
    x.tensor_shape.dim.add(size=3)
    y = definition.outputs["y"]
    y.name, y.dtype = "y:0", 7
    y.tensor_shape.unknown_rank = True
    response = api("get_model_metadata").GetModelMetadataResponse()
    response.model_spec.version.value = 5
    signatures = api("get_model_metadata").SignatureDefMap()
    signatures.signature_def["serving_default"].CopyFrom(definition)
    response.metadata["signature_def"].Pack(signatures)
    found = grpc_form.read_metadata(
        messages.GetModelMetadataResponse.FromString(response.SerializeToString()), "m"
    )
    assert found.version == 5
    (signature,) = found.signatures.values()
    assert signature.inputs["x"] == ("x", np.dtype("f4"), (-1, 3))
    assert signature.outputs["y"] == ("y", np.dtype(object), None)
    definition.inputs["x"].coo_sparse.values_tensor_name = "v:0"
    signatures.signature_def["serving_default"].CopyFrom(definition)
    response.metadata["signature_def"].Pack(signatures)
    with pytest.raises(tfnative.UnimplementedError, match="'x': coo_sparse"):
        grpc_form.read_metadata(response, "m")


def test_the_states_of_versions_are_decoded():
    response = api("get_model_status").GetModelStatusResponse()
    response.model_version_status.add(version=1, state=50).status.error_code = 5
    response.model_version_status[0].status.error_message = "not there"
    response.model_version_status.add(version=2, state=30)
    response.model_version_status.add(version=3, state=77)
    found = grpc_form.read_versions(
        messages.GetModelStatusResponse.FromString(response.SerializeToString())
    )
    assert [(each.version, each.state) for each in found] == [
        (3, ServingState.UNKNOWN),
        (2, ServingState.AVAILABLE),
        (1, ServingState.END),
    ]
    assert isinstance(found[2].error, tfnative.NotFoundError)
    assert str(found[2].error) == "not there"
    assert found[1].error is None


def test_all_three_packages_live_in_one_process():
    pytest.importorskip("tensorflow")
    ours = messages.PredictRequest.DESCRIPTOR
    theirs = api("predict").PredictRequest.DESCRIPTOR
    assert ours.full_name == "tfnative.serving.PredictRequest"
    assert theirs.full_name == "tensorflow.serving.PredictRequest"
    assert ours.file.pool is not theirs.file.pool


def test_a_version_and_a_label_are_too_much():
    with pytest.raises(tfnative.InvalidArgumentError, match="version 3 and label 'x'"):
        ModelSpec("m", 3, "x")
    with pytest.raises(tfnative.InvalidArgumentError, match="got none"):
        ModelSpec("")


def test_a_version_has_64_bits():
    for version in (2**63, -(2**63) - 1, 10**40):
        with pytest.raises(tfnative.InvalidArgumentError, match="64 bits"):
            grpc_form.spec_message(ModelSpec("m", version=version))
    assert (
        grpc_form.spec_message(ModelSpec("m", version=np.int64(3))).version.value == 3
    )
