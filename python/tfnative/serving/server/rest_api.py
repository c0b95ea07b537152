# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API, as https://www.tensorflow.org/tfx/serving/api_rest describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tfnative.errors import Error, InvalidArgumentError, NotFoundError, code_of
from tfnative.serving.json_tensors import dump, load
from tfnative.serving.server import rest_json
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|(?P<metadata>/metadata))?"
)
_HTTP_STATUS = {
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 412,
    12: 501,
    13: 500,
    14: 503,
}


def make_app(
    service: Service, metrics: Callable[[], str], is_ready: Callable[[], bool]
) -> Starlette:
    """An ASGI application.

    Args:
        service: Who answers.
        metrics: What Prometheus scrapes.
        is_ready: Whether new requests are welcome, for ``/healthz``.
    """

    async def models(request: Request) -> Response:
        try:
            return await _answer(service, request)
        except Error as error:
            status = _HTTP_STATUS.get(code_of(error) or 13, 500)
            return _json({"error": str(error)}, status)

    async def prometheus(_: Request) -> Response:
        return PlainTextResponse(metrics(), media_type="text/plain; version=0.0.4")

    async def healthz(_: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ok")
        return PlainTextResponse("closing", 503)

    return Starlette(
        routes=[
            Route("/metrics", prometheus),
            Route("/monitoring/prometheus/metrics", prometheus),
            Route("/healthz", healthz),
            Route("/{path:path}", models, methods=["GET", "POST"]),
        ]
    )


async def _answer(service: Service, request: Request) -> Response:
    # Starlette has decoded the path; names may have slashes.
    path = request.scope["raw_path"].decode().partition("?")[0]
    found = _PATH.fullmatch(path)
    verb = found.group("verb") if found else None
    if found is None or (request.method == "POST") != (verb is not None):
        raise InvalidArgumentError(f"Malformed request: {request.method} {path}")
    spec = _spec(found)
    if verb is None:
        if found.group("metadata"):
            version, signatures = service.metadata(spec)
            return _json(rest_json.metadata(spec.name, version, signatures))
        return _json(rest_json.status(service.status(spec)))
    text = await request.body()
    with service.timed(spec.name, verb.capitalize(), "REST"):
        return await _infer(service, spec, verb, load(text))


async def _infer(service: Service, spec: ModelSpec, verb: str, body: Any) -> Response:
    if not isinstance(body, dict):
        raise InvalidArgumentError("JSON Parse error: expected an object")
    name = body.get("signature_name")
    if name is not None and not isinstance(name, str):
        raise InvalidArgumentError("'signature_name' must be a string")
    spec = ModelSpec(spec.name, spec.version, spec.label, name or None)
    if verb == "predict":
        return await _predict(service, spec, body)
    examples, context = rest_json.examples(body)
    if verb == "classify":
        _, classes = await service.classify(spec, examples, context)
        return _json({"results": rest_json.classifications(classes)})
    _, values = await service.regress(spec, examples, context)
    return _json({"results": values.tolist()})


async def _predict(service: Service, spec: ModelSpec, body: dict[str, Any]) -> Response:
    signature = service.signature(spec)
    is_row, inputs = rest_json.inputs(body, signature)
    _, outputs = await service.predict(spec, inputs)
    if is_row:
        return _json({"predictions": rest_json.rows(outputs)})
    return _json({"outputs": rest_json.columns(outputs)})


def _spec(found: re.Match[str]) -> ModelSpec:
    from urllib.parse import unquote

    version = found.group("version")
    label = found.group("label")
    if version is not None and int(version) >= 1 << 63:
        raise NotFoundError(f"there is no version {version}")
    return ModelSpec(
        unquote(found.group("name")),
        None if version is None else int(version),
        None if label is None else unquote(label),
    )


def _json(body: Any, status: int = 200) -> Response:
    return Response(dump(body), status, media_type="application/json")
