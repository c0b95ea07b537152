# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP server below the REST API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from tfnative.serving.server.tls import ServerTls


class _HttpServer(uvicorn.Server):
    """Leaves signals to the process: both APIs end together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_http_server(app: Any, tls: ServerTls | None = None) -> uvicorn.Server:
    """A server for an ASGI application.

    Args:
        app: The application.
        tls: None to speak in clear.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        # Longer than clients keep connections: else one ends as a request is sent.
        timeout_keep_alive=75,
        **({} if tls is None else tls.for_uvicorn()),
    )
    return _HttpServer(config)
