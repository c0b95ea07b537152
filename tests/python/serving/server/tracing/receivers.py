# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Collectors of OpenTelemetry, over both of its protocols, that keep what they get."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Received:
    """What has come.

    Attributes:
        endpoint: Where to send it.
        protocol: What OTEL_EXPORTER_OTLP_PROTOCOL is to be.
    """

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.endpoint = ""
        self._spans: list[tuple[dict[str, Any], Any]] = []

    def take(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            resource = _values(group.resource.attributes)
            for scope in group.scope_spans:
                self._spans += [(resource, span) for span in scope.spans]

    @property
    def spans(self) -> list[Any]:
        return [span for _, span in self._spans]

    @property
    def services(self) -> set[str]:
        return {resource["service.name"] for resource, _ in self._spans}

    def wait_for(self, is_there: Callable[[], Any]) -> None:
        until = time.monotonic() + 20
        while not is_there():
            assert time.monotonic() < until, [span.name for span in self.spans]
            time.sleep(0.01)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        }


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value for each in attributes}


@contextlib.contextmanager
def over_http() -> Iterator[Received]:
    received = Received("http/protobuf")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            is_right = self.path == "/v1/traces"
            if is_right:
                received.take(ExportTraceServiceRequest.FromString(body))
            self.send_response(200 if is_right else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    received.endpoint = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def over_grpc() -> Iterator[Received]:
    received = Received("grpc")

    def export(request: Any, _: Any) -> Any:
        received.take(request)
        return ExportTraceServiceResponse()

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            assert details.method == _EXPORT
            return grpc.unary_unary_rpc_method_handler(
                export,
                ExportTraceServiceRequest.FromString,
                ExportTraceServiceResponse.SerializeToString,
            )

    server = grpc.server(ThreadPoolExecutor(2), handlers=(Handler(),))
    port = server.add_insecure_port("localhost:0")
    received.endpoint = f"http://localhost:{port}"
    server.start()
    try:
        yield received
    finally:
        server.stop(None).wait()
