# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server on the official servicers, which computes with TensorFlow.

It has a model "scale" in versions 1 and 2 ("stable" is 1), whose signatures are
``serving_default`` (y = version * x, and text as it came), ``classification`` and
``regression``; any other model is not found. It does what a test tells it to before it
answers.
"""

from __future__ import annotations

import importlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import numpy as np


def api(name: str) -> Any:
    return importlib.import_module(f"tensorflow_serving.apis.{name}")


class OfficialServer:
    """Answers on a port of this machine until it is stopped."""

    def __init__(self, port: int = 0, credentials: Any = None, **options: Any) -> None:
        self.calls: list[tuple[str, Any, dict[str, str]]] = []
        self.before: Callable[[grpc.ServicerContext], None] = lambda context: None
        self.states: dict[int, int] = {1: 30, 2: 30}
        self._lock = threading.Lock()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(16),
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
            **options,
        )
        api("prediction_service_pb2_grpc").add_PredictionServiceServicer_to_server(
            _predictions(self), self._server
        )
        api("model_service_pb2_grpc").add_ModelServiceServicer_to_server(
            _models(self), self._server
        )
        where = f"localhost:{port}"
        self.port = (
            self._server.add_insecure_port(where)
            if credentials is None
            else self._server.add_secure_port(where, credentials)
        )
        self.address = f"localhost:{self.port}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def note(self, name: str, request: Any, context: grpc.ServicerContext) -> None:
        with self._lock:
            metadata = dict(context.invocation_metadata())
            self.calls.append((name, request, metadata))
        self.before(context)

    def version(self, spec: Any, context: grpc.ServicerContext) -> int:
        if spec.name != "scale":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: {spec.name}")
        if spec.HasField("version_label"):
            if spec.version_label != "stable":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such label")
            return 1
        return spec.version.value or 2


def _predictions(server: OfficialServer) -> Any:
    import tensorflow as tf

    class Predictions(api("prediction_service_pb2_grpc").PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            server.note("Predict", request, context)
            version = server.version(request.model_spec, context)
            response = api("predict_pb2").PredictResponse()
            response.model_spec.name = request.model_spec.name
            response.model_spec.version.value = version
            for name, proto in request.inputs.items():
                value = tf.make_ndarray(proto)
                if value.dtype.kind in "iufc":
                    value = value * np.asarray(version).astype(value.dtype)
                output = name.replace("x", "y")
                if request.output_filter and output not in request.output_filter:
                    continue
                shape = value.shape
                response.outputs[output].CopyFrom(
                    tf.make_tensor_proto(value, shape=shape)
                )
            return response

        def Classify(self, request, context):  # noqa: N802
            server.note("Classify", request, context)
            server.version(request.model_spec, context)
            response = api("classification_pb2").ClassificationResponse()
            for example in _examples(request.input):
                age = example.features.feature["age"].float_list.value[0]
                row = response.result.classifications.add()
                row.classes.add(label="young", score=1 / age)
                row.classes.add(label="old", score=1 - 1 / age)
            return response

        def Regress(self, request, context):  # noqa: N802
            server.note("Regress", request, context)
            server.version(request.model_spec, context)
            response = api("regression_pb2").RegressionResponse()
            for example in _examples(request.input):
                age = example.features.feature["age"].float_list.value[0]
                response.result.regressions.add(value=2 * age)
            return response

        def MultiInference(self, request, context):  # noqa: N802
            server.note("MultiInference", request, context)
            response = api("inference_pb2").MultiInferenceResponse()
            for task in request.tasks:
                result = response.results.add(model_spec=task.model_spec)
                for example in _examples(request.input):
                    age = example.features.feature["age"].float_list.value[0]
                    if task.method_name == "tensorflow/serving/regress":
                        result.regression_result.regressions.add(value=age)
                    else:
                        row = result.classification_result.classifications.add()
                        row.classes.add(label="any", score=1)
            return response

        def GetModelMetadata(self, request, context):  # noqa: N802
            server.note("GetModelMetadata", request, context)
            version = server.version(request.model_spec, context)
            response = api("get_model_metadata_pb2").GetModelMetadataResponse()
            response.model_spec.version.value = version
            signatures = api("get_model_metadata_pb2").SignatureDefMap()
            signature = signatures.signature_def["serving_default"]
            for name, tensors in (("x", signature.inputs), ("y", signature.outputs)):
                tensors[name].dtype = 1
                tensors[name].tensor_shape.dim.add(size=-1)
                tensors[name].tensor_shape.dim.add(size=3)
            response.metadata["signature_def"].Pack(signatures)
            return response

    return Predictions()


def _models(server: OfficialServer) -> Any:
    class Models(api("model_service_pb2_grpc").ModelServiceServicer):
        def GetModelStatus(self, request, context):  # noqa: N802
            server.note("GetModelStatus", request, context)
            server.version(request.model_spec, context)
            response = api("get_model_status_pb2").GetModelStatusResponse()
            for version, state in server.states.items():
                response.model_version_status.add(version=version, state=state)
            return response

        def HandleReloadConfigRequest(self, request, context):  # noqa: N802
            server.note("HandleReloadConfigRequest", request, context)
            response = api("model_management_pb2").ReloadConfigResponse()
            if not request.config.model_config_list.config:
                response.status.error_code = 3
                response.status.error_message = "no models"
            return response

    return Models()


def _examples(given: Any) -> list[Any]:
    if given.WhichOneof("kind") == "example_list":
        return list(given.example_list.examples)
    found = []
    for example in given.example_list_with_context.examples:
        merged = type(example)()
        merged.CopyFrom(given.example_list_with_context.context)
        merged.MergeFrom(example)
        found.append(merged)
    return found


def slow(seconds: float) -> Callable[[Any], None]:
    """Has the server wait before each answer."""
    return lambda context: time.sleep(seconds)


def fail_times(count: int, code: grpc.StatusCode) -> Callable[[Any], None]:
    """Has it fail so often."""
    left = [count]

    def before(context: grpc.ServicerContext) -> None:
        if left[0] > 0:
            left[0] -= 1
            context.abort(code, "not now")

    return before


def unused_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("localhost", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
