# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API, as https://www.tensorflow.org/tfx/serving/api_rest describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tfnative.errors import Error
from tfnative.serving.server import inference_rest, rest_columns, rest_json
from tfnative.serving.server.draining import Drain
from tfnative.serving.server.draining_apis import CountedAnswers, DrainedRequests
from tfnative.serving.server.lanes import bytes_of
from tfnative.serving.server.openapi import description
from tfnative.serving.server.readiness import Readiness
from tfnative.serving.server.replies import MalformedRequestError, UnknownModelError
from tfnative.serving.server.rest_body import BodyLimits, read_body
from tfnative.serving.server.rest_columns import RestInputs
from tfnative.serving.server.rest_middleware import (
    OriginForm,
    Replies,
    asking_for,
    no_such_route,
)
from tfnative.serving.server.rest_response import PartsResponse, json_response
from tfnative.serving.server.service import Service
from tfnative.serving.token_file import TokenFile
from tfnative.serving.types import ModelSpec

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)"
    r"|(?P<metadata>/metadata)|(?P<ready>/readyz))?"
)
_PROBES = frozenset({"/healthz", "/livez", "/readyz"})
_MOST_DIGITS = 20
"""Of a version: one of more is no number of 64 bits."""


def make_app(
    service: Service,
    metrics: Callable[[], str],
    readiness: Readiness,
    limits: BodyLimits,
    drain: Drain,
    tokens: TokenFile | None = None,
    spans: Sequence[Middleware] = (),
) -> Starlette:
    """An ASGI application.

    Args:
        service: Who answers.
        metrics: What Prometheus scrapes.
        readiness: Whether requests are taken, for ``/readyz`` and those of models.
        limits: What bodies may be.
        drain: Counts requests, and sends them away when the server stops.
        tokens: What clients have to send, except for probes; None if nothing.
        spans: What makes spans of requests.
    """

    async def models(request: Request) -> Response:
        return await _answer(service, readiness, limits, request)

    async def prometheus(_: Request) -> Response:
        return PlainTextResponse(metrics(), media_type="text/plain; version=0.0.4")

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def openapi(_: Request) -> Response:
        return json_response(description())

    async def ready(_: Request) -> Response:
        why_not = readiness.why_not()
        return PlainTextResponse(why_not or "ok", 503 if why_not else 200)

    middleware = [
        Middleware(OriginForm),
        Middleware(CountedAnswers, drain),
        Middleware(Replies),
        *spans,
    ]
    if tokens is not None:
        middleware.append(asking_for(tokens, _is_probe))
    middleware.append(Middleware(DrainedRequests, drain))
    return Starlette(
        routes=[
            Route("/openapi.json", openapi),
            Route("/metrics", prometheus),
            Route("/monitoring/prometheus/metrics", prometheus),
            Route("/healthz", live),
            Route("/livez", live),
            Route("/readyz", ready),
            *inference_rest.routes(service, readiness, limits),
            Route("/{path:path}", models, methods=["GET", "POST"]),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: no_such_route},
    )


def _is_probe(scope: MutableMapping[str, Any]) -> bool:
    """Whether whoever looks after servers asks, who may not be able to send a token."""
    path = _path(scope)
    if path in _PROBES or inference_rest.is_probe(path):
        return True
    found = _PATH.fullmatch(path)
    return found is not None and found.group("ready") is not None


def _path(scope: MutableMapping[str, Any]) -> str:
    # Starlette has decoded the path; names may have slashes.
    return str(scope["raw_path"].decode("latin-1").partition("?")[0])


async def _answer(
    service: Service, readiness: Readiness, limits: BodyLimits, request: Request
) -> Response:
    path = _path(request.scope)
    found = _PATH.fullmatch(path)
    verb = found.group("verb") if found else None
    if found is None or (request.method == "POST") != (verb is not None):
        asked = f"{request.method} {path[:200]}"
        raise MalformedRequestError(f"Malformed request: {asked}")
    spec = _spec(found)
    if verb is None:
        if found.group("ready"):
            is_ready = readiness.is_ready(spec)
            said, status = ("ok", 200) if is_ready else ("not ready", 503)
            return PlainTextResponse(said, status)
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
    return PartsResponse(rest_json.regressions(values), lanes)


async def _predict(service: Service, spec: ModelSpec, inputs: RestInputs) -> Response:
    _, outputs = await service.predict(spec, inputs)
    write = rest_json.predictions if inputs.is_row_format else rest_json.columns
    size = bytes_of(outputs)
    parts = await service.lanes.run(size, partial(write, outputs))
    return PartsResponse(parts, service.lanes)


def _spec(found: re.Match[str]) -> ModelSpec:
    from urllib.parse import unquote

    version = found.group("version")
    label = found.group("label")
    if version is not None and len(version.lstrip("0")) > _MOST_DIGITS:
        raise MalformedRequestError(
            f"expected the number of a version, got one of {len(version)} digits"
        )
    if version is not None and int(version) >= 1 << 63:
        raise UnknownModelError(f"there is no version {version}")
    return ModelSpec(
        unquote(found.group("name")),
        None if version is None else int(version),
        None if label is None else unquote(label),
    )
