# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Warm-up requests, which a server answers to itself before it takes others.

``assets.extra/tf_serving_warmup_requests`` is a TFRecord file of PredictionLog
messages, as TensorFlow Serving and ``tfnative serve`` read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.export.examples import as_examples

if TYPE_CHECKING:
    from training.data import Data

FILE = "assets.extra/tf_serving_warmup_requests"
ROWS = (1, 32)


def write_warmup(folder: Path, data: Data, signatures: dict[str, Any]) -> None:
    """Writes requests of one row and of many for each signature, with real rows."""
    import tensorflow as tf

    features, _ = data.held_out()
    path = folder / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name in sorted(signatures):
            for rows in ROWS:
                some = {feature: value[:rows] for feature, value in features.items()}
                writer.write(_request(name, some).SerializeToString())


def _request(signature: str, features: dict[str, Any]) -> Any:
    import tensorflow as tf
    from tensorflow_serving.apis import (
        classification_pb2,
        predict_pb2,
        prediction_log_pb2,
        regression_pb2,
    )

    log = prediction_log_pb2.PredictionLog()
    if signature == "classify":
        request: Any = classification_pb2.ClassificationRequest()
        log.classify_log.request.CopyFrom(_with_examples(request, signature, features))
    elif signature == "regress":
        request = regression_pb2.RegressionRequest()
        log.regress_log.request.CopyFrom(_with_examples(request, signature, features))
    else:
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature
        for name, value in features.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        log.predict_log.request.CopyFrom(request)
    return log


def _with_examples(request: Any, signature: str, features: dict[str, Any]) -> Any:
    request.model_spec.signature_name = signature
    for message in as_examples(features):
        request.input.example_list.examples.add().ParseFromString(message)
    return request
