# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A service that predicts in its own process, in batches.

    pip install -r requirements.txt
    MODEL=build/digits uvicorn app:app

Environment variables: MODEL, the artifact's folder; BATCHING_PARAMETERS, a file as
TensorFlow Serving's, which `tfnative tune` writes too; TIMEOUT_SECONDS, how long a
request may wait in the queue (default: 1).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

import tfnative

TIMEOUT_SECONDS = float(os.environ.get("TIMEOUT_SECONDS", "1"))

STATUS = {
    tfnative.InvalidArgumentError: 400,
    tfnative.UnavailableError: 503,  # The queue is full.
    tfnative.FailedPreconditionError: 503,  # It is being drained.
    tfnative.CancelledError: 503,
    tfnative.DeadlineExceededError: 504,
}


def make_batcher() -> tfnative.Batcher:
    """A batcher for the model that the environment names."""
    model = tfnative.load(os.environ["MODEL"])
    model.warmup()
    if parameters := os.environ.get("BATCHING_PARAMETERS"):
        return tfnative.Batcher.from_text_proto(parameters, model)
    return tfnative.Batcher(model, batch_timeout_micros=200)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Takes requests until the server ends, and then answers those that wait."""
    with make_batcher() as app.state.batcher:
        yield


app = FastAPI(title="tfnative", lifespan=lifespan)


class Rows(BaseModel):
    """What to predict: TensorFlow Serving's row format."""

    instances: list[Any]


@app.post("/predict")
async def predict(rows: Rows, request: Request) -> dict[str, Any]:
    """Predictions for each of the rows."""
    batcher: tfnative.Batcher = request.app.state.batcher
    answer = await unless_gone(
        request, batcher.predict_async(rows.instances, timeout=TIMEOUT_SECONDS)
    )
    if isinstance(answer, dict):
        return {"outputs": {name: array.tolist() for name, array in answer.items()}}
    return {"predictions": answer.tolist()}


async def unless_gone(request: Request, answer: Coroutine[Any, Any, Any]) -> Any:
    """The answer. If the client goes away, its rows leave the queue."""
    task = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(request.receive())  # The body was read: what is left.
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPException(499, "the client has gone away")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


@app.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> str:
    """What Prometheus scrapes."""
    batcher: tfnative.Batcher = request.app.state.batcher
    return batcher.metrics().to_prometheus()


@app.get("/healthz")
def healthz(request: Request) -> dict[str, Any]:
    """Whether requests are taken."""
    if request.app.state.batcher.closed:
        raise HTTPException(503, "closing")
    return {"status": "ok"}


@app.exception_handler(tfnative.Error)
async def explain(_: Request, error: tfnative.Error) -> JSONResponse:
    """The error as a response."""
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 500)
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse({"error": str(error)}, status, headers)
