# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the requests that came with a model before it takes others.

https://www.tensorflow.org/tfx/serving/saved_model_warmup describes the file.
"""

from __future__ import annotations

import logging
from itertools import islice
from pathlib import Path
from typing import Any

from tfnative._base.tfrecord import read_records
from tfnative._model import Model
from tfnative.errors import InvalidArgumentError
from tfnative.serving import grpc_form, messages

FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000
_ONE_MODEL = ("predict_log", "classify_log", "regress_log")
_logger = logging.getLogger("tfnative.serving")


def run_warmup_requests(model: Model, folder: Path) -> int:
    """Runs those of ``folder``, if it has any.

    Requests for a signature that the model does not have are left out, and logged: a
    compiled model has some of its SavedModel's signatures, and all of its requests.

    Returns:
        How many were run.

    Raises:
        InvalidArgumentError: The file is damaged, or has more than 1000 requests, or a
            request does not fit the model.
        Error: A request fails.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    records = list(islice(read_records(path), MAX_RECORDS + 1))
    if len(records) > MAX_RECORDS:
        raise InvalidArgumentError(
            f"{path}: expected at most {MAX_RECORDS} requests to warm up with"
        )
    count = 0
    for index, record in enumerate(records):
        try:
            log = _parse(record)
            missing = sorted(_signatures(log) - model.signatures.keys())
            if missing:
                _logger.warning(
                    "%s: request %d is left out: the model has no signature %r",
                    *(path, index, missing[0]),
                )
                continue
            _run(model, log)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{path}: request {index}: {error}") from None
        count += 1
    return count


def _parse(record: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return messages.PredictionLog.FromString(record)
    except DecodeError as error:
        raise InvalidArgumentError(f"it is no PredictionLog: {error}") from None


def _signatures(log: Any) -> set[str]:
    """Names that a request asks for; those that it leaves open are not among them."""
    kind = log.WhichOneof("log_type")
    if kind == "multi_inference_log":
        specs = [task.model_spec for task in log.multi_inference_log.request.tasks]
    elif kind in _ONE_MODEL:
        specs = [getattr(log, kind).request.model_spec]
    else:
        specs = []
    return {spec.signature_name for spec in specs if spec.signature_name}


def _run(model: Model, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        request.model_spec.name = "this one"  # Whatever it is, or if there is none.
        spec, inputs, _ = grpc_form.read_predict_request(request.SerializeToString())
        model.predict(inputs, signature=spec.signature)
    elif kind == "classify_log":
        request, name = _examples(log.classify_log.request)
        model.classify(request, signature=name)
    elif kind == "regress_log":
        request, name = _examples(log.regress_log.request)
        model.regress(request, signature=name)
    elif kind == "multi_inference_log":
        message = log.multi_inference_log.request
        examples = grpc_form.examples_of(message.input)
        for task in message.tasks:
            name = task.model_spec.signature_name or None
            is_classify = task.method_name == grpc_form.CLASSIFY_METHOD
            method = model.classify if is_classify else model.regress
            method(examples, signature=name)
    else:
        raise InvalidArgumentError("it is a log of another kind")


def _examples(request: Any) -> tuple[list[bytes], str | None]:
    name = request.model_spec.signature_name or None
    return grpc_form.examples_of(request.input), name
