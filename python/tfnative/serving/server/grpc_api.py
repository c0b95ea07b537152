# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The gRPC API: PredictionService and ModelService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Literal

import grpc

from tfnative.errors import (
    Error,
    InvalidArgumentError,
    PermissionDeniedError,
    UnimplementedError,
    code_of,
)
from tfnative.serving import grpc_form, messages
from tfnative.serving.grpc_form import MODEL, PREDICTION
from tfnative.serving.server.grpc_inputs import GrpcInputs
from tfnative.serving.server.lanes import bytes_of
from tfnative.serving.server.replies import (
    MalformedRequestError,
    load_error_text,
    reply_to,
)
from tfnative.serving.server.service import Service
from tfnative.serving.signatures import definition_of
from tfnative.serving.types import ModelSpec

_METHODS: dict[str, Literal["classify", "regress"]] = {
    grpc_form.CLASSIFY_METHOD: "classify",
    grpc_form.REGRESS_METHOD: "regress",
}

Reload = Callable[[Any], Awaitable[None]]


class GrpcApi(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the calls of a gRPC server.

    Args:
        service: Who does it.
        reload: Takes another configuration, a ``ModelServerConfig``.
    """

    def __init__(self, service: Service, reload: Reload) -> None:
        self._service = service
        self._reload = reload
        answers: dict[str, Callable[[bytes, Any], Awaitable[bytes]]] = {
            PREDICTION + "Predict": self._predict,
            PREDICTION + "Classify": self._classify,
            PREDICTION + "Regress": self._regress,
            PREDICTION + "MultiInference": self._multi_inference,
            PREDICTION + "GetModelMetadata": self._metadata,
            MODEL + "GetModelStatus": self._status,
            MODEL + "HandleReloadConfigRequest": self._handle_reload,
        }
        self._handlers = {
            method: grpc.unary_unary_rpc_method_handler(answer)
            for method, answer in answers.items()
        }

    def service(self, handler_call_details: Any) -> Any:
        """See ``grpc.GenericRpcHandler``."""
        return self._handlers.get(handler_call_details.method)

    def _timed(self, model: str, api: str) -> AbstractContextManager[None]:
        return self._service.timed(model, api, "GRPC")

    @contextmanager
    def _held(self, request: bytes) -> Iterator[None]:
        """Counts the bytes of a request while it is answered."""
        with self._service.budget.share() as share:
            share.grow(len(request))
            yield

    async def _read(self, kind: Any, request: bytes) -> Any:
        return await self._service.lanes.run(
            len(request), partial(_parse, kind, request)
        )

    async def _predict(self, request: bytes, context: Any) -> bytes:
        size, lanes = len(request), self._service.lanes
        split = partial(grpc_form.split_predict_request, request)
        spec, tensors, wanted = await lanes.run(size, split)
        left = context.time_remaining()
        with self._timed(spec.name, "Predict"), self._held(request):
            inputs = GrpcInputs(tensors, size)
            found, outputs = await self._service.predict(spec, inputs, wanted, left)
            write = partial(grpc_form.predict_response, found, outputs)
            return await lanes.run(bytes_of(outputs), write)

    async def _classify(self, request: bytes, _: Any) -> bytes:
        message = await self._read(messages.ClassificationRequest, request)
        spec = grpc_form.spec_of(message.model_spec)
        with self._timed(spec.name, "Classify"), self._held(request):
            examples = _examples(message.input)
            found, result = await self._service.classify(spec, examples)
        return _serialised(
            messages.ClassificationResponse(
                model_spec=grpc_form.spec_message(found),
                result=grpc_form.classification_result(result),
            )
        )

    async def _regress(self, request: bytes, _: Any) -> bytes:
        message = await self._read(messages.RegressionRequest, request)
        spec = grpc_form.spec_of(message.model_spec)
        with self._timed(spec.name, "Regress"), self._held(request):
            examples = _examples(message.input)
            found, result = await self._service.regress(spec, examples)
        return _serialised(
            messages.RegressionResponse(
                model_spec=grpc_form.spec_message(found),
                result=grpc_form.regression_result(result),
            )
        )

    async def _multi_inference(self, request: bytes, _: Any) -> bytes:
        message = await self._read(messages.MultiInferenceRequest, request)
        tasks = [
            (grpc_form.spec_of(task.model_spec), _method(task.method_name))
            for task in message.tasks
        ]
        first = tasks[0][0].name if tasks else ""
        with self._timed(first, "MultiInference"), self._held(request):
            examples = _examples(message.input)
            model, found = await self._service.multi_inference(tasks, examples)
        response = messages.MultiInferenceResponse()
        for spec, method in tasks:
            name = spec.signature or "serving_default"
            of = ModelSpec(model.name, model.version, signature=name)
            result = response.results.add(model_spec=grpc_form.spec_message(of))
            if method == "classify":
                result.classification_result.CopyFrom(
                    grpc_form.classification_result(found[name])  # type: ignore[arg-type]
                )
            else:
                result.regression_result.CopyFrom(
                    grpc_form.regression_result(found[name])  # type: ignore[arg-type]
                )
        return _serialised(response)

    async def _metadata(self, request: bytes, _: Any) -> bytes:
        message = _parse(messages.GetModelMetadataRequest, request)
        if list(message.metadata_field) != ["signature_def"]:
            asked = ", ".join(message.metadata_field) or "nothing"
            raise InvalidArgumentError(
                f"Metadata field {asked} is not supported: expected signature_def"
            )
        spec = grpc_form.spec_of(message.model_spec)
        version, signatures = self._service.metadata(spec)
        known = messages.SignatureDefMap()
        for name, signature in signatures.items():
            known.signature_def[name].CopyFrom(definition_of(signature))
        response = messages.GetModelMetadataResponse(
            model_spec=grpc_form.spec_message(ModelSpec(spec.name, version))
        )
        packed = response.metadata["signature_def"]
        packed.type_url = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
        packed.value = known.SerializeToString(deterministic=True)
        return _serialised(response)

    async def _status(self, request: bytes, _: Any) -> bytes:
        message = _parse(messages.GetModelStatusRequest, request)
        response = messages.GetModelStatusResponse()
        for each in self._service.status(grpc_form.spec_of(message.model_spec)):
            status = response.model_version_status.add(
                version=each.version,
                state=messages.ModelVersionStatus.State.Value(str(each.state)),
            )
            status.status.SetInParent()
            if each.error is not None:
                status.status.error_code = code_of(each.error) or 2
                status.status.error_message = load_error_text(each.error)
        return _serialised(response)

    async def _handle_reload(self, request: bytes, _: Any) -> bytes:
        message = _parse(messages.ReloadConfigRequest, request)
        response = messages.ReloadConfigResponse()
        response.status.SetInParent()
        try:
            await self._reload(message.config)
        except PermissionDeniedError:
            raise  # Clients that do not read the response have to see that, too.
        except Error as error:
            reply = reply_to(error, "HandleReloadConfigRequest")
            response.status.error_code = reply.code
            response.status.error_message = reply.text
        return _serialised(response)


def _method(name: str) -> Literal["classify", "regress"]:
    if name in _METHODS:
        return _METHODS[name]
    raise UnimplementedError(f"Unsupported signature method_name: {name}")


def _examples(given: Any) -> list[bytes]:
    examples = grpc_form.examples_of(given)
    if not examples:
        raise InvalidArgumentError("Input is empty.")
    return examples


def _parse(kind: Any, request: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(request)
    except DecodeError:
        raise MalformedRequestError(
            f"the request is damaged: it is no {kind.DESCRIPTOR.name}"
        ) from None


def _serialised(message: Any) -> bytes:
    serialised: bytes = message.SerializeToString(deterministic=True)
    return serialised
