# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What channels of gRPC share: options, credentials and errors in its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfnative.errors import Error, type_for
from tfnative.serving.channels.tls import tls_context
from tfnative.serving.options import INT_MAX
from tfnative.serving.small_file import read_small

if TYPE_CHECKING:
    import grpc

    from tfnative.serving.options import Options, Tls
    from tfnative.serving.token_file import TokenFile

# gRPC knows codes that have no class of their own here.
_GRPC_CODES = {6: 9, 10: 14, 11: 3, 15: 13, 16: 7}


def grpc_error(error: grpc.RpcError, where: str, address: str) -> Error:
    """The server's message, as one of our errors."""
    code: int = error.code().value[0]
    kind = type_for(_GRPC_CODES.get(code, code))
    return kind(f"{address}, {where}: {error.details()}")


def grpc_arguments(options: Options) -> list[tuple[str, int | str]]:
    """What gRPC calls channel arguments."""
    arguments: list[tuple[str, int | str]] = [
        ("grpc.max_send_message_length", options.max_message_bytes),
        ("grpc.max_receive_message_length", options.max_message_bytes),
        # Two clients of one address do not share a connection that one of them closes.
        ("grpc.use_local_subchannel_pool", 1),
        # gRPC would leave a server alone for up to two minutes after it was away.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if options.keepalive_seconds is not None:
        millis = min(1000 * options.keepalive_seconds, INT_MAX)
        arguments.append(("grpc.keepalive_time_ms", int(millis)))
    if options.tls is not None and options.tls.server_name is not None:
        name = options.tls.server_name
        arguments.append(("grpc.ssl_target_name_override", name))
    return arguments


def call_metadata(
    options: Options, tokens: TokenFile | None
) -> tuple[tuple[str, str], ...]:
    """What gRPC calls metadata: of one call, as a token may have changed."""
    given = tuple(options.metadata.items())
    if options.trace_headers is not None:
        given = (*given, *options.trace_headers())
    if tokens is None:
        return given
    return (*given, ("authorization", tokens.authorization))


def credentials(tls: Tls | None) -> grpc.ChannelCredentials | None:
    """What gRPC calls channel credentials; None to speak in clear."""
    import grpc

    def read(path: Any) -> bytes | None:
        return None if path is None else read_small(path, "the file")

    if tls is None:
        return None
    tls_context(tls)  # gRPC itself takes what cannot work, and then waits.
    return grpc.ssl_channel_credentials(
        read(tls.ca_file), read(tls.key_file), read(tls.certificate_file)
    )


def compression(options: Options) -> grpc.Compression | None:
    """What gRPC calls so."""
    import grpc

    return {
        None: None,
        "gzip": grpc.Compression.Gzip,
        "deflate": grpc.Compression.Deflate,
    }[options.compression]


class Connection:
    """A channel of gRPC, and its methods by their paths."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self._methods: dict[str, Any] = {}

    def method(self, path: str) -> Any:
        """What makes calls."""
        method = self._methods.get(path)
        if method is None:
            method = self._methods[path] = self.channel.unary_unary(path)
        return method
