# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API, as https://www.tensorflow.org/tfx/serving/api_rest describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tfnative.errors import Error, InvalidArgumentError, NotFoundError
from tfnative.serving.server import rest_columns, rest_json
from tfnative.serving.server.lanes import bytes_of
from tfnative.serving.server.openapi import description
from tfnative.serving.server.request_log import log_refusal
from tfnative.serving.server.rest_body import BodyLimits, read_body
from tfnative.serving.server.rest_columns import RestInputs
from tfnative.serving.server.rest_response import (
    PartsResponse,
    error_headers,
    json_response,
    status_of,
)
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|(?P<metadata>/metadata))?"
)
_MOST_DIGITS = 20
"""Of a version: one of more is no number of 64 bits."""


def make_app(
    service: Service,
    metrics: Callable[[], str],
    is_ready: Callable[[], bool],
    limits: BodyLimits,
) -> Starlette:
    """An ASGI application.

    Args:
        service: Who answers.
        metrics: What Prometheus scrapes.
        is_ready: Whether new requests are welcome, for ``/healthz``.
        limits: What bodies may be.
    """

    async def models(request: Request) -> Response:
        try:
            return await _answer(service, limits, request)
        except Error as error:
            status = status_of(error)
            what = f"{request.method} {request.scope['path']}"
            log_refusal("REST", what, status, error)
            response = json_response({"error": str(error)}, status)
            response.headers.update(error_headers(status))
            return response

    async def prometheus(_: Request) -> Response:
        return PlainTextResponse(metrics(), media_type="text/plain; version=0.0.4")

    async def healthz(_: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ok")
        return PlainTextResponse("closing", 503)

    async def openapi(_: Request) -> Response:
        return json_response(description())

    return Starlette(
        routes=[
            Route("/openapi.json", openapi),
            Route("/metrics", prometheus),
            Route("/monitoring/prometheus/metrics", prometheus),
            Route("/healthz", healthz),
            Route("/{path:path}", models, methods=["GET", "POST"]),
        ]
    )


async def _answer(service: Service, limits: BodyLimits, request: Request) -> Response:
    # Starlette has decoded the path; names may have slashes.
    path = request.scope["raw_path"].decode().partition("?")[0]
    found = _PATH.fullmatch(path)
    verb = found.group("verb") if found else None
    if found is None or (request.method == "POST") != (verb is not None):
        raise InvalidArgumentError(f"Malformed request: {request.method} {path[:200]}")
    spec = _spec(found)
    if verb is None:
        if found.group("metadata"):
            version, signatures = service.metadata(spec)
            return json_response(rest_json.metadata(spec.name, version, signatures))
        return json_response(rest_json.status(service.status(spec)))
    with service.budget.share() as share:
        try:
            text = await read_body(request, limits, share, service.lanes)
        except Error:
            with service.timed(spec.name, verb.capitalize(), "REST"):
                raise
        with service.timed(spec.name, verb.capitalize(), "REST"):
            return await _infer(service, spec, verb, text)


async def _infer(
    service: Service, spec: ModelSpec, verb: str, text: memoryview
) -> Response:
    is_predict = verb == "predict"
    size, lanes = len(text), service.lanes
    read = partial(rest_columns.read, text, has_examples=not is_predict)
    body = await lanes.run(size, read)
    spec = ModelSpec(spec.name, spec.version, spec.label, body.signature_name)
    if is_predict:
        return await _predict(service, spec, RestInputs(body))
    read_examples = partial(rest_columns.examples, body)
    examples, context = await lanes.run(size, read_examples)
    if verb == "classify":
        _, classes = await service.classify(spec, examples, context)
        return json_response({"results": rest_json.classifications(classes)})
    _, values = await service.regress(spec, examples, context)
    return PartsResponse(rest_json.regressions(values))


async def _predict(service: Service, spec: ModelSpec, inputs: RestInputs) -> Response:
    _, outputs = await service.predict(spec, inputs)
    write = rest_json.predictions if inputs.is_row_format else rest_json.columns
    size = bytes_of(outputs)
    return PartsResponse(await service.lanes.run(size, partial(write, outputs)))


def _spec(found: re.Match[str]) -> ModelSpec:
    from urllib.parse import unquote

    version = found.group("version")
    label = found.group("label")
    if version is not None and len(version.lstrip("0")) > _MOST_DIGITS:
        raise InvalidArgumentError(
            f"expected the number of a version, got one of {len(version)} digits"
        )
    if version is not None and int(version) >= 1 << 63:
        raise NotFoundError(f"there is no version {version}")
    return ModelSpec(
        unquote(found.group("name")),
        None if version is None else int(version),
        None if label is None else unquote(label),
    )
