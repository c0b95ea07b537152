# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests and responses as gRPC carries them.

Tensors and examples are written to and read from the wire here, so that each is copied
once; everything else goes through the classes of ``messages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from tfnative._base.text import check_text
from tfnative._base.wire import Buffer, bytes_field, bytes_field_of_parts, read_fields
from tfnative._examples.results import Classifications
from tfnative._signature import Signature
from tfnative.errors import Error, InternalError, InvalidArgumentError, type_for
from tfnative.serving import messages
from tfnative.serving.signatures import input_dtype, signature_of
from tfnative.serving.tensors.decode import decode_tensor
from tfnative.serving.tensors.encode import encode_tensor
from tfnative.serving.types import (
    ModelMetadata,
    ModelSpec,
    Outputs,
    ServedVersion,
    ServingState,
)

PREDICTION = "/tensorflow.serving.PredictionService/"
MODEL = "/tensorflow.serving.ModelService/"

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
METHODS = {"classify": CLASSIFY_METHOD, "regress": REGRESS_METHOD}

# Fields of PredictRequest, of PredictResponse, of an entry of a map, and of Input.
_SPEC, _INPUTS, _OUTPUT_FILTER = 1, 2, 3
_OUTPUTS = 1
_KEY, _VALUE = 1, 2
_EXAMPLE_LIST, _EXAMPLE_LIST_WITH_CONTEXT = 1, 2
_EXAMPLES, _CONTEXT = 1, 2

_MOST_NAMES = 10_000
"""Of inputs and outputs, in a request: no signature has so many."""


def spec_message(spec: ModelSpec) -> Any:
    """A ``ModelSpec`` message.

    Raises:
        InvalidArgumentError: It cannot have the version's number.
    """
    message = messages.ModelSpec(name=spec.name)
    if spec.version is not None:
        try:
            message.version.value = int(spec.version)
        except ValueError:
            raise InvalidArgumentError(
                f"model {spec.name!r}: expected a version of 64 bits, got "
                f"{spec.version}"
            ) from None
    if spec.label is not None:
        message.version_label = spec.label
    if spec.signature is not None:
        message.signature_name = spec.signature
    return message


@lru_cache(1024)  # The same few over and over.
def _spec_bytes(spec: ModelSpec) -> bytes:
    serialised: bytes = spec_message(spec).SerializeToString(deterministic=True)
    return serialised


@lru_cache(1024)
def _read_spec(serialised: bytes) -> ModelSpec:
    try:
        message = messages.ModelSpec.FromString(serialised)
    except DecodeError:
        raise InvalidArgumentError(
            "model_spec is damaged: it is no ModelSpec"
        ) from None
    return spec_of(message)


def spec_of(message: Any) -> ModelSpec:
    """And back."""
    version = message.version.value if message.HasField("version") else None
    label = message.version_label if message.HasField("version_label") else None
    return ModelSpec(message.name, version, label, message.signature_name or None)


# --- Predict --------------------------------------------------------------------------


def predict_request(
    spec: ModelSpec,
    inputs: Mapping[str, Any],
    output_filter: Sequence[str] = (),
    signature: Signature | None = None,
) -> bytes:
    """A ``PredictRequest``.

    Args:
        spec: The model.
        inputs: Arrays by the names of inputs, or other values.
        output_filter: The outputs that are wanted; all, if none is named.
        signature: What the server says of it, if that is known: other values than
            arrays become what it says.

    Raises:
        InvalidArgumentError: An input is no tensor; the message names it.
    """
    head = bytes_field(_SPEC, _spec_bytes(spec))
    parts: list[Buffer] = [head, *_tensor_map(_INPUTS, inputs, str(spec), signature)]
    parts += [
        bytes_field(_OUTPUT_FILTER, name.encode())
        for name in _names("output_filter", output_filter)
    ]
    return b"".join(parts)


def predict_response(spec: ModelSpec, outputs: Mapping[str, Any]) -> bytes:
    """A ``PredictResponse``."""
    parts = _tensor_map(_OUTPUTS, outputs, str(spec))
    return b"".join([*parts, bytes_field(2, _spec_bytes(spec))])


def read_predict_response(response: bytes, where: str) -> Outputs:
    """The outputs of a ``PredictResponse``, by name."""
    return _read_tensor_map(memoryview(response), _OUTPUTS, where)


def read_predict_request(request: bytes) -> tuple[ModelSpec, Outputs, list[str]]:
    """The model of a ``PredictRequest``, its inputs, and which outputs it wants.

    All, if none is named.
    """
    spec, tensors, wanted = split_predict_request(request)
    inputs = {
        name: decode_tensor(tensor, f"{spec}, {name!r}")
        for name, tensor in tensors.items()
    }
    return spec, inputs, wanted


def split_predict_request(
    request: bytes,
) -> tuple[ModelSpec, dict[str, memoryview], list[str]]:
    """Likewise, with the inputs as they are on the wire.

    Raises:
        InvalidArgumentError: It is not well formed, or has very many names.
    """
    view = memoryview(request)
    serialised = b""
    wanted: list[str] = []
    tensors: dict[str, memoryview] = {}
    for number, value in read_fields(view):
        if isinstance(value, int):
            continue
        if number == _SPEC:
            serialised += value  # As messages are merged that follow one another.
        elif number == _OUTPUT_FILTER:
            wanted.append(bytes(value).decode(errors="replace"))
        elif number == _INPUTS:
            name, tensor = _read_entry(value)
            tensors[name] = tensor
        if len(wanted) + len(tensors) > _MOST_NAMES:
            raise InvalidArgumentError(f"a request has more than {_MOST_NAMES} names")
    return _read_spec(serialised), tensors, wanted


def _tensor_map(
    field: int,
    tensors: Mapping[str, Any],
    where: str,
    signature: Signature | None = None,
) -> list[Buffer]:
    """Entries of a map from names to tensors, in the order of their names."""
    parts: list[Buffer] = []
    for name in _names("inputs", tensors):
        try:
            tensor = encode_tensor(tensors[name], input_dtype(signature, name))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{where}, {name!r}: {error}") from None
        value = bytes_field_of_parts(_VALUE, tensor)
        parts += bytes_field_of_parts(field, [bytes_field(_KEY, name.encode()), *value])
    return parts


def _names(kind: str, names: Iterable[str]) -> list[str]:
    """Names that a message can have, sorted where they are those of a map."""
    found = list(names)
    for name in found:
        check_text(f"a name of {kind}", name)
    return sorted(found) if isinstance(names, Mapping) else found


def _read_tensor_map(message: memoryview, field: int, where: str) -> Outputs:
    found = {}
    for number, entry in read_fields(message):
        if number != field or isinstance(entry, int):
            continue
        name, tensor = _read_entry(entry)
        found[name] = decode_tensor(tensor, f"{where}, {name!r}")
    return found


def _read_entry(entry: memoryview) -> tuple[str, memoryview]:
    """The key and the value of a map's entry; as they are merged, the last of each."""
    name, tensor = "", memoryview(b"")
    for part, value in read_fields(entry):
        if part == _KEY and not isinstance(value, int):
            name = bytes(value).decode(errors="replace")
        elif part == _VALUE and not isinstance(value, int):
            tensor = value
    return name, tensor


# --- Examples -------------------------------------------------------------------------


def examples_request(
    spec: ModelSpec, examples: Iterable[bytes], context: bytes | None = None
) -> bytes:
    """A ``ClassificationRequest``, or a ``RegressionRequest``: they look alike.

    Args:
        spec: The model.
        examples: Serialised tf.Example messages.
        context: One that all examples share.
    """
    message = spec_message(spec).SerializeToString(deterministic=True)
    return bytes_field(_SPEC, message) + bytes_field(2, _input(examples, context))


def multi_inference_request(
    tasks: Sequence[tuple[ModelSpec, str]],
    examples: Iterable[bytes],
    context: bytes | None = None,
) -> bytes:
    """A ``MultiInferenceRequest``; tasks are models and names of methods."""
    head = b"".join(
        bytes_field(
            1,
            messages.InferenceTask(
                model_spec=spec_message(spec), method_name=method
            ).SerializeToString(deterministic=True),
        )
        for spec, method in tasks
    )
    return head + bytes_field(2, _input(examples, context))


def _input(examples: Iterable[bytes], context: bytes | None) -> bytes:
    listed = b"".join(bytes_field(_EXAMPLES, example) for example in examples)
    if context is None:
        return bytes_field(_EXAMPLE_LIST, listed)
    shared = bytes_field(_CONTEXT, context)
    return bytes_field(_EXAMPLE_LIST_WITH_CONTEXT, listed + shared)


def examples_of(message: Any) -> list[bytes]:
    """The examples of an ``Input``; those with a context with it in front of them.

    As protobuf merges messages that follow one another: what an example has itself is
    kept.
    """
    if message.WhichOneof("kind") == "example_list_with_context":
        context = message.example_list_with_context.context
        return [context + one for one in message.example_list_with_context.examples]
    return list(message.example_list.examples)


def classification_result(found: Classifications) -> Any:
    """A ``ClassificationResult``."""
    result = messages.ClassificationResult()
    for row in range(len(found)):
        classes = result.classifications.add().classes
        labels = found.labels
        if labels is not None and labels.ndim == 2:
            labels = labels[row]
        scores = None if found.scores is None else found.scores[row].tolist()
        for i in range(len(labels if scores is None else scores)):  # type: ignore[arg-type]
            one = classes.add()
            if labels is not None:
                one.label = labels[i]
            if scores is not None:
                one.score = scores[i]
    return result


def read_classifications(result: Any, where: str) -> Classifications:
    """From a ``ClassificationResult``."""
    rows = [list(each.classes) for each in result.classifications]
    if len({len(row) for row in rows}) > 1:
        raise InternalError(f"{where}: examples have different numbers of classes")
    shape = len(rows), len(rows[0]) if rows else 0
    labels = np.empty(shape, object)
    scores = np.empty(shape, np.float32)
    for i, row in enumerate(rows):
        labels[i] = [one.label for one in row]
        scores[i] = [one.score for one in row]
    has_labels = any(label for label in labels.flat)
    return Classifications(labels if has_labels else None, scores)


def regression_result(values: npt.NDArray[Any]) -> Any:
    """A ``RegressionResult``."""
    result = messages.RegressionResult()
    for value in values.tolist():
        result.regressions.add().value = value
    return result


def read_regressions(result: Any) -> npt.NDArray[np.float32]:
    """From a ``RegressionResult``."""
    return np.array([one.value for one in result.regressions], np.float32)


def read_inferences(
    response: Any, where: str
) -> dict[str, Classifications | npt.NDArray[Any]]:
    """The results of a ``MultiInferenceResponse``, by signature."""
    found: dict[str, Classifications | npt.NDArray[Any]] = {}
    for result in response.results:
        name = result.model_spec.signature_name
        kind = result.WhichOneof("result")
        if kind == "classification_result":
            found[name] = read_classifications(result.classification_result, where)
        elif kind == "regression_result":
            found[name] = read_regressions(result.regression_result)
        else:
            raise InternalError(f"{where}: signature {name!r} has no result")
    return found


# --- Models ---------------------------------------------------------------------------


def metadata_request(spec: ModelSpec) -> bytes:
    """A ``GetModelMetadataRequest`` for the signatures."""
    request = messages.GetModelMetadataRequest(
        model_spec=spec_message(spec), metadata_field=["signature_def"]
    )
    serialised: bytes = request.SerializeToString(deterministic=True)
    return serialised


def read_metadata(response: Any, where: str) -> ModelMetadata:
    """From a ``GetModelMetadataResponse``."""
    packed = response.metadata.get("signature_def")
    if packed is None:
        raise InternalError(f"{where}: the server says nothing of signatures")
    # Its type's name is that of TensorFlow Serving's package, not of ours.
    signatures = messages.SignatureDefMap.FromString(packed.value).signature_def
    return ModelMetadata(
        response.model_spec.version.value,
        {
            name: signature_of(name, signatures[name])
            for name in sorted(signatures)
            if name != "__saved_model_init_op"
        },
    )


def read_versions(response: Any) -> tuple[ServedVersion, ...]:
    """From a ``GetModelStatusResponse``, the newest first."""
    found = [
        ServedVersion(
            each.version,
            _state(each.state),
            status_error(each.status.error_code, each.status.error_message),
        )
        for each in response.model_version_status
    ]
    return tuple(sorted(found, key=lambda each: -each.version))


def _state(number: int) -> ServingState:
    states = messages.ModelVersionStatus.State
    return (
        ServingState(states.Name(number))
        if number in states.values()
        else ServingState.UNKNOWN
    )


def status_error(code: int, message: str) -> Error | None:
    """The error of a status; None if it is none."""
    return type_for(code)(message) if code else None
