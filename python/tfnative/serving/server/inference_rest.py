# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol over REST: what is below ``/v2``."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tfnative.errors import Error
from tfnative.serving.server import inference_json
from tfnative.serving.server.budget import Share
from tfnative.serving.server.inference_metadata import model_metadata, server_metadata
from tfnative.serving.server.inference_request import SIGNATURE_NAME, spec_of
from tfnative.serving.server.lanes import bytes_of
from tfnative.serving.server.readiness import Readiness
from tfnative.serving.server.replies import MalformedRequestError
from tfnative.serving.server.rest_body import BodyLimits, read_body
from tfnative.serving.server.rest_response import PartsResponse, json_response
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec

_PATH = re.compile(
    r"/v2(?:/|/health/(?P<health>live|ready)"
    r"|/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[^/:]+))?"
    r"(?:/(?P<verb>infer|ready))?)?"
)


def routes(service: Service, readiness: Readiness, limits: BodyLimits) -> list[Route]:
    """For an application.

    Args:
        service: Who answers.
        readiness: Whether requests are taken.
        limits: What bodies may be.
    """

    async def answer(request: Request) -> Response:
        return await _answer(service, readiness, limits, request)

    return [
        Route("/v2", answer),
        Route("/v2/{path:path}", answer, methods=["GET", "POST"]),
    ]


def is_probe(path: str) -> bool:
    """Whether whoever looks after servers asks, who may not be able to send a token."""
    found = _PATH.fullmatch(path)
    return bool(found and (found.group("health") or found.group("verb") == "ready"))


async def _answer(
    service: Service, readiness: Readiness, limits: BodyLimits, request: Request
) -> Response:
    path = str(request.scope["raw_path"].decode("latin-1").partition("?")[0])
    found = _PATH.fullmatch(path)
    is_infer = found is not None and found.group("verb") == "infer"
    if found is None or (request.method == "POST") != is_infer:
        raise MalformedRequestError(f"Malformed request: {request.method} {path[:200]}")
    if found.group("health") == "live":
        return json_response({"live": True})
    if found.group("health"):
        is_ready = not readiness.why_not()
        return json_response({"ready": is_ready}, 200 if is_ready else 503)
    if found.group("name") is None:
        return json_response(server_metadata())
    spec = spec_of(unquote(found.group("name")), unquote(found.group("version") or ""))
    if found.group("verb") == "ready":
        is_ready = readiness.is_ready(spec)
        ready = {"name": spec.name, "ready": is_ready}
        return json_response(ready, 200 if is_ready else 503)
    if not is_infer:
        signature = request.query_params.get(SIGNATURE_NAME) or None
        spec = ModelSpec(spec.name, spec.version, spec.label, signature)
        return json_response(model_metadata(service, spec))
    with service.budget.share() as share:
        return await _read_and_infer(service, limits, share, spec, request)


async def _read_and_infer(
    service: Service,
    limits: BodyLimits,
    share: Share,
    spec: ModelSpec,
    request: Request,
) -> Response:
    try:
        body = await read_body(request, limits, share, service.lanes)
    except Error:
        with service.timed(spec.name, "ModelInfer", "REST"):
            raise
    with service.timed(spec.name, "ModelInfer", "REST"):
        header = request.headers.get(inference_json.LENGTH_HEADER)
        read = partial(inference_json.read_request, body, header)
        asked = await service.lanes.run(len(body), read)
        spec = ModelSpec(spec.name, spec.version, spec.label, asked.signature)
        ran, outputs = await service.predict(spec, asked.inputs, asked.wanted)
        write = partial(inference_json.response, asked, ran, outputs)
        parts, raws = await service.lanes.run(bytes_of(outputs), write)
        answer = PartsResponse([*parts, *raws], service.lanes)
        if raws:
            answer.headers["Content-Type"] = "application/octet-stream"
            size = sum(len(part) for part in parts)
            answer.headers[inference_json.LENGTH_HEADER] = str(size)
        return answer
