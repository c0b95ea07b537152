# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a server, for whoever carries it there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, Literal, TypeVar

import numpy.typing as npt

from tfnative._examples.encode import encode_example
from tfnative._examples.results import Classifications
from tfnative._signature import Signature
from tfnative.errors import InternalError, InvalidArgumentError, UnimplementedError
from tfnative.serving import grpc_form, messages, rest_form
from tfnative.serving.json_tensors import dump
from tfnative.serving.types import ModelMetadata, ModelSpec, Outputs, ServedVersion

T = TypeVar("T")

Examples = Sequence[bytes] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RestRequest:
    """A request to the REST API.

    Attributes:
        method: "GET" or "POST".
        path: Of the URL.
        body: JSON, or None.
    """

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True)
class Call(Generic[T]):
    """A call in both forms. What it sends is written once, when it is first needed.

    Attributes:
        name: What it does, for messages.
        where: Model, and version or label, for messages.
        grpc_path: The method's path.
        write_grpc: Writes the request.
        read_grpc: Reads a response.
        write_rest: Writes the request, or raises UnimplementedError.
        read_rest: Reads JSON.
    """

    name: str
    where: str
    grpc_path: str
    write_grpc: Callable[[], bytes]
    read_grpc: Callable[[bytes], T]
    write_rest: Callable[[], RestRequest]
    read_rest: Callable[[Any], T]

    @cached_property
    def grpc_request(self) -> bytes:
        """The serialised message."""
        return self.write_grpc()

    @cached_property
    def rest_request(self) -> RestRequest:
        """Method, path and body."""
        return self.write_rest()


def predict(
    spec: ModelSpec,
    inputs: Mapping[str, Any],
    output_filter: Sequence[str],
    signature: Signature | None,
) -> Call[Outputs]:
    """Runs a signature.

    Args:
        spec: The model.
        inputs: Arrays by the names of inputs.
        output_filter: The outputs that are wanted; all, if none is named.
        signature: What the server says of it. The REST API needs it, gRPC does not.
    """
    where = str(spec)

    def write_rest() -> RestRequest:
        body = dump(rest_form.predict_body(spec, inputs, signature))
        return RestRequest("POST", rest_form.model_path(spec, "predict"), body)

    def read_rest(body: Any) -> Outputs:
        if signature is None:
            raise InternalError(f"{where}: the signature is not known")
        outputs = rest_form.read_outputs(body, signature, where)
        for name in output_filter:  # Of which the REST API knows nothing.
            if name not in outputs:
                raise InvalidArgumentError(f"{where}: there is no output {name!r}")
        return {
            n: a for n, a in outputs.items() if not output_filter or n in output_filter
        }

    return Call(
        "predict",
        where,
        grpc_form.PREDICTION + "Predict",
        lambda: grpc_form.predict_request(spec, inputs, output_filter, signature),
        lambda response: grpc_form.read_predict_response(response, where),
        write_rest,
        read_rest,
    )


def classify(
    spec: ModelSpec, examples: Examples, context: Mapping[str, Any] | None
) -> Call[Classifications]:
    """Classes and scores of examples."""
    where = str(spec)

    def read(response: bytes) -> Classifications:
        result = _parse(messages.ClassificationResponse, response, where).result
        return grpc_form.read_classifications(result, where)

    return Call(
        "classify",
        where,
        grpc_form.PREDICTION + "Classify",
        lambda: grpc_form.examples_request(spec, *_serialised(examples, context)),
        read,
        partial(_examples_rest, spec, "classify", examples, context),
        lambda body: rest_form.read_classifications(body, where),
    )


def regress(
    spec: ModelSpec, examples: Examples, context: Mapping[str, Any] | None
) -> Call[npt.NDArray[Any]]:
    """A number for each example."""
    where = str(spec)

    def read(response: bytes) -> npt.NDArray[Any]:
        result = _parse(messages.RegressionResponse, response, where).result
        return grpc_form.read_regressions(result)

    return Call(
        "regress",
        where,
        grpc_form.PREDICTION + "Regress",
        lambda: grpc_form.examples_request(spec, *_serialised(examples, context)),
        read,
        partial(_examples_rest, spec, "regress", examples, context),
        lambda body: rest_form.read_regressions(body, where),
    )


def multi_inference(
    spec: ModelSpec,
    examples: Examples,
    tasks: Mapping[str, Literal["classify", "regress"]],
    context: Mapping[str, Any] | None,
) -> Call[dict[str, Classifications | npt.NDArray[Any]]]:
    """Classifies and regresses the same examples, by signature."""
    where = str(spec)
    for name, method in tasks.items():
        if method not in grpc_form.METHODS:
            raise InvalidArgumentError(
                f"{where}, signature {name!r}: expected 'classify' or 'regress', got"
                f" {method!r}"
            )
    of = [
        (
            ModelSpec(spec.name, spec.version, spec.label, name),
            grpc_form.METHODS[method],
        )
        for name, method in tasks.items()
    ]
    return Call(
        "multi_inference",
        where,
        grpc_form.PREDICTION + "MultiInference",
        lambda: grpc_form.multi_inference_request(of, *_serialised(examples, context)),
        lambda response: grpc_form.read_inferences(
            _parse(messages.MultiInferenceResponse, response, where), where
        ),
        partial(_no_rest, "multi_inference"),
        partial(_no_rest, "multi_inference"),
    )


def metadata(spec: ModelSpec) -> Call[ModelMetadata]:
    """The signatures of a model."""
    where = str(spec)
    return Call(
        "metadata",
        where,
        grpc_form.PREDICTION + "GetModelMetadata",
        lambda: grpc_form.metadata_request(spec),
        lambda response: grpc_form.read_metadata(
            _parse(messages.GetModelMetadataResponse, response, where), where
        ),
        lambda: RestRequest("GET", rest_form.model_path(spec, "/metadata")),
        lambda body: rest_form.read_metadata(body, where),
    )


def versions(spec: ModelSpec) -> Call[tuple[ServedVersion, ...]]:
    """Where the versions of a model stand."""
    where = str(spec)
    request = messages.GetModelStatusRequest(model_spec=grpc_form.spec_message(spec))
    return Call(
        "status",
        where,
        grpc_form.MODEL + "GetModelStatus",
        lambda: request.SerializeToString(deterministic=True),
        lambda response: grpc_form.read_versions(
            _parse(messages.GetModelStatusResponse, response, where)
        ),
        lambda: RestRequest("GET", rest_form.model_path(spec)),
        lambda body: rest_form.read_versions(body, where),
    )


def reload_config(config: Any) -> Call[None]:
    """Has the server take another configuration, a ``ModelServerConfig``."""
    request = messages.ReloadConfigRequest(config=config)

    def read(response: bytes) -> None:
        status = _parse(messages.ReloadConfigResponse, response, "reload").status
        error = grpc_form.status_error(status.error_code, status.error_message)
        if error is not None:
            raise error

    return Call(
        "reload_config",
        "configuration",
        grpc_form.MODEL + "HandleReloadConfigRequest",
        lambda: request.SerializeToString(deterministic=True),
        read,
        partial(_no_rest, "reload_config"),
        partial(_no_rest, "reload_config"),
    )


def _serialised(
    examples: Examples, context: Mapping[str, Any] | None
) -> tuple[list[bytes], bytes | None]:
    serialised = [
        example if isinstance(example, bytes) else encode_example(example)
        for example in examples
    ]
    return serialised, encode_example(context) if context else None


def _examples_rest(
    spec: ModelSpec,
    verb: str,
    examples: Examples,
    context: Mapping[str, Any] | None,
) -> RestRequest:
    rows = [example for example in examples if isinstance(example, Mapping)]
    if len(rows) != len(examples):
        raise UnimplementedError(
            f"{spec}: the REST API takes no serialised examples: expected dicts of"
            " features, or an address of gRPC"
        )
    body = dump(rest_form.examples_body(spec, rows, context))
    return RestRequest("POST", rest_form.model_path(spec, verb), body)


def _no_rest(name: str, _: Any = None) -> Any:
    raise UnimplementedError(f"the REST API has no {name}: use an address of gRPC")


def _parse(kind: Any, response: bytes, where: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(response)
    except DecodeError as error:
        raise InternalError(f"{where}: the response is damaged: {error}") from None
