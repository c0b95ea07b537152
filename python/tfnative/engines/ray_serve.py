# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model as a deployment of Ray Serve."""

from __future__ import annotations

import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tfnative._backends.options import LoadOptions
from tfnative._batch.batcher import Batcher
from tfnative._shipping.loaded import loaded
from tfnative._shipping.ray import Shipped, path_of
from tfnative.errors import Error
from tfnative.serving.json_tensors import dump
from tfnative.serving.server import rest_columns, rest_json
from tfnative.serving.server.input_rules import InputRules
from tfnative.serving.server.rest_response import error_headers, status_of

__all__ = ["Served"]

_MOST_BYTES = 1 << 30
"""Of a request's arrays."""


class Served:
    """A model for ``serve.deployment``, whose requests share batches.

    ::

        app = serve.deployment(Served).bind(
            ship("build/digits"), batch_timeout_micros=2000
        )
        handle = serve.run(app)
        await handle.predict.remote({"image": images})

    Over HTTP it answers a POST as TensorFlow Serving's REST API does: ``{"instances":
    [...]}`` by ``{"predictions": [...]}``, and ``{"inputs": ...}`` by ``{"outputs":
    ...}``. A ``Batcher`` puts rows of all requests to a replica together, which
    ``@serve.batch`` does otherwise: it takes requests of several rows, too, and works
    outside of Python's lock. A replica answers as many requests at once as
    ``max_ongoing_requests`` says, so that no batch has more of them.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Shipped,
        *,
        signature: str | None = None,
        threads: int = 1,
        **batching: Any,
    ) -> None:
        """Loads the model, in the replica.

        Args:
            model: A path that all nodes have, or what ``ship`` of ``engines.ray``
                gives.
            signature: The signature's name.
            threads: That predict.
            batching: What ``Batcher`` takes, as ``batch_timeout_micros``.

        Raises:
            Error: What ``load`` and ``Batcher`` raise.
        """
        self._model = loaded(path_of(model), LoadOptions(threads=threads))
        self._signature = self._model.signature(signature)
        self._batcher = Batcher(self._model, signature=self._signature.name, **batching)
        self._rules = InputRules.of(
            self._model, self._signature, self._batcher, _MOST_BYTES
        )

    async def predict(self, inputs: Any, *, timeout: float | None = None) -> Any:
        """Predicts rows, together with those of other calls.

        Args:
            inputs: As for ``Batcher.predict_async``, and so are results and errors.
            timeout: Seconds.
        """
        return await self._batcher.predict_async(inputs, timeout=timeout)

    async def __call__(self, request: Request) -> Response:
        """Answers a request over HTTP."""
        if request.method != "POST":
            return _said("expected POST", 405)
        try:
            text = memoryview(await request.body())
            body = rest_columns.read(text, has_examples=False)
            inputs = rest_columns.RestInputs(body)
            inputs.check(self._rules)
            outputs = await self._batcher.predict_async(inputs.arrays())
            by_row = inputs.is_row_format
            parts = (rest_json.predictions if by_row else rest_json.columns)(outputs)
        except Error as error:
            return _said(str(error), status_of(error))
        return Response(b"".join(parts), media_type="application/json")

    def check_health(self) -> None:
        """Ray Serve asks now and then, and starts another replica if this raises."""
        self._batcher.metrics()


def _said(text: str, status: int) -> Response:
    return Response(
        dump({"error": text}),
        status,
        headers=dict(error_headers(status)),
        media_type="application/json",
    )
