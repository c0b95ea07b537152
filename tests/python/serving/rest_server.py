# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server that sends what it is told to, as TensorFlow Serving would or would not."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METADATA = {
    "model_spec": {"name": "m", "signature_name": "", "version": "3"},
    "metadata": {
        "signature_def": {
            "signature_def": {
                "serving_default": {
                    "inputs": {
                        "x": {
                            "dtype": "DT_FLOAT",
                            "tensor_shape": {
                                "dim": [
                                    {"size": "-1", "name": ""},
                                    {"size": "3", "name": ""},
                                ],
                                "unknown_rank": False,
                            },
                            "name": "serving_default_x:0",
                        }
                    },
                    "outputs": {
                        "y": {
                            "dtype": "DT_FLOAT",
                            "tensor_shape": {
                                "dim": [
                                    {"size": "-1", "name": ""},
                                    {"size": "3", "name": ""},
                                ],
                                "unknown_rank": False,
                            },
                            "name": "StatefulPartitionedCall:0",
                        }
                    },
                    "method_name": "tensorflow/serving/predict",
                    "defaults": {},
                },
                "two": {
                    "inputs": {},
                    "outputs": {
                        "a": {"dtype": "DT_INT64", "tensor_shape": {"dim": []}},
                        "b": {
                            "dtype": "DT_STRING",
                            "tensor_shape": {"dim": [{"size": "-1"}]},
                        },
                    },
                    "method_name": "tensorflow/serving/predict",
                },
            }
        }
    },
}

STATUS = {
    "model_version_status": [
        {
            "version": "3",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        },
        {
            "version": "2",
            "state": "END",
            "status": {"error_code": "NOT_FOUND", "error_message": "gone"},
        },
    ]
}

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bytes) -> None:
        server: Any = self.server
        server.requests.append((self.command, self.path, body, dict(self.headers)))
        answer = server.answers.get(self.path)
        if answer is None:
            self.send_json({"error": f"Servable not found: {self.path}"}, 404)
        elif callable(answer):
            answer(self)
        else:
            self.send_json(answer)

    def send_json(self, body: Any, status: int = 200) -> None:
        self.send_text(json.dumps(body).encode(), status)

    def send_text(
        self, text: bytes, status: int = 200, content_type: str = "application/json"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def reset(self) -> None:
        """Has the connection end as if the process had been killed."""
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        )
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class RestServer:
    """Answers on a port of this machine until it is stopped."""

    def __init__(self) -> None:
        self._server: Any = ThreadingHTTPServer(("localhost", 0), Handler)
        self._server.daemon_threads = True
        self.requests: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.answers: dict[str, Any] = {
            "/v1/models/m/metadata": METADATA,
            "/v1/models/m": STATUS,
        }
        self._server.requests = self.requests
        self._server.answers = self.answers
        self.address = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
