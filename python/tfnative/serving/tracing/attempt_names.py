# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a client's span says of an attempt, by the conventions of its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tfnative.serving.channels.address import is_rest
from tfnative.serving.tracing import names

if TYPE_CHECKING:
    from tfnative.serving.calls import Call

_HTTP_PORTS = {"http": 80, "https": 443}


def attempt_name(call: Call[Any], address: str) -> str:
    """The name of its span: one for all requests of a method, and not one each."""
    if not is_rest(address):
        return call.grpc_path.lstrip("/")
    return "GET" if call.name in ("metadata", "status") else "POST"


def attempt_attributes(call: Call[Any], address: str) -> dict[str, Any]:
    """What is known of it before it is sent. Never a user's name or password.

    Raises:
        UnimplementedError: The REST API does not have the call.
    """
    if not is_rest(address):
        host, port = _host_and_port(address)
        found: dict[str, Any] = {
            names.RPC_SYSTEM: "grpc",
            names.RPC_METHOD: call.grpc_path.lstrip("/"),
            names.SERVER_ADDRESS: host,
        }
        return found if port is None else {**found, names.SERVER_PORT: port}
    parts = urlsplit(address)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port or _HTTP_PORTS[parts.scheme]
    path = parts.path.rstrip("/") + call.rest_request.path
    url = f"{parts.scheme}://{shown}:{port}{path}"
    return {
        names.HTTP_METHOD: attempt_name(call, address),
        names.URL_FULL: names.clean(url),
        names.SERVER_ADDRESS: names.clean(host),
        names.SERVER_PORT: port,
    }


def _host_and_port(address: str) -> tuple[str, int | None]:
    """Of an address of gRPC, which may have a scheme and be a path."""
    rest = address.rpartition("/")[2] if address.startswith("dns:") else address
    host, colon, port = rest.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        return names.clean(address), None
    return names.clean(host.strip("[]")), int(port)
