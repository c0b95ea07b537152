# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serve`."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._backends.options import LoadOptions
from tfnative._base.options.flags import add_flags
from tfnative._base.text import checked_path
from tfnative._cli import streams
from tfnative._cli.background_stream import stderr_in_background
from tfnative._cli.common import UsageError, add_command, load_options
from tfnative._cli.numbers import port, seconds, whole
from tfnative._store.versions import Latest
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from tfnative._cli.common import Commands
    from tfnative.serving.server.config import ModelSettings
    from tfnative.serving.server.server import Server
    from tfnative.serving.server.tls import TlsSource

_TURN_SECONDS = 0.001
"""For which a thread of Python's may run while others want to."""
_EXAMPLES = """\
  tfnative serve models/digits --port 8500 --rest-port 8501
  tfnative serve models/digits --name digits --batching-parameters-file batching.txt
  tfnative serve --model-config-file models.config
  tfnative serve saved_models/digits --backend auto
  tfnative serve models/digits --host 0.0.0.0 --token-file tokens.txt \\
      --tls-certificate server.pem --tls-key server.key
  tfnative serve models/digits --max-request-bytes 16777216
  OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 \\
      tfnative serve models/digits --enable-batching --traces
  tfnative serve --model-config-file models.config --allow-reload-config \\
      --model-root models

MODEL_DIR has a folder for each version, named by its number, with an artifact in it:
models/digits/1, models/digits/2; or, with --backend, a SavedModel. The newest version
is served, unless --model-config-file says otherwise. Clients of TensorFlow Serving can
use it: it speaks the same APIs.

Only this machine can reach the server, unless --host says otherwise. Then let in only
whom you know: --token-file asks clients for a token, --tls-client-ca for a certificate.
With --tls-certificate nobody on the way reads tokens and data. Files with tokens and
certificates are read again when they change. Probes need no token: /livez, /readyz and
gRPC's health service.

At SIGTERM it stops being ready, sends new requests away, answers those that it has, and
ends with exit code 0. At a second SIGTERM it ends at once.
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "serve",
        run,
        "serve models to clients of TensorFlow Serving",
        _EXAMPLES,
    )
    parser.add_argument("model_dir", nargs="?", metavar="MODEL_DIR", help="see below")
    parser.add_argument("--name", help="name of the model (default: its folder's)")
    parser.add_argument(
        "--model-config-file",
        metavar="FILE",
        help="TensorFlow Serving's file with models, version policies and labels "
        "(default: the newest version of MODEL_DIR)",
    )
    parser.add_argument(
        "--batching-parameters-file",
        metavar="FILE",
        help="batch requests, with TensorFlow Serving's parameters (default: each runs "
        "by itself)",
    )
    parser.add_argument(
        "--enable-batching",
        action="store_true",
        help="batch requests where that pays; threads and sizes of batches that no "
        "--batching-parameters-file says are chosen from what batches take",
    )
    parser.add_argument(
        "--host",
        default="localhost",
        help="address or name to listen at: 0.0.0.0 or :: for all, which other "
        "machines can reach (default: localhost, which only this machine can)",
    )
    parser.add_argument(
        "--port", type=port, default=8500, help="port of gRPC (default: 8500; 0: any)"
    )
    parser.add_argument(
        "--rest-port",
        type=port,
        default=8501,
        help="port of REST (default: 8501; 0: any)",
    )
    add_flags(
        parser, LoadOptions, ("backend", "threads", "map_in_place", "trusted_keys")
    )
    parser.add_argument(
        "--strict-permissions",
        action="store_true",
        help="serve no version whose files another user than this one and root can "
        "change, or replace (default: who may write them is not looked at)",
    )
    parser.add_argument(
        "--poll-seconds",
        type=seconds(or_zero=True),
        default=1.0,
        metavar="SECONDS",
        help="seconds between two looks for new versions; 0 for never (default: 1)",
    )
    parser.add_argument(
        "--drain-seconds",
        "--grace-seconds",  # Its earlier name.
        dest="drain_seconds",
        type=seconds(or_zero=True),
        default=30.0,
        metavar="SECONDS",
        help="how many seconds requests may still take when the server is told to end; "
        "others are told to try another server (default: 30)",
    )
    _add_limits(parser)
    parser.add_argument(
        "--tls-certificate",
        metavar="FILE",
        help="the server's certificate, PEM, for both APIs (default: in clear)",
    )
    parser.add_argument(
        "--tls-key",
        metavar="FILE",
        help="private key of --tls-certificate, PEM (default: none)",
    )
    parser.add_argument(
        "--tls-client-ca",
        metavar="FILE",
        help="accept only clients whose certificates these authorities have signed "
        "(default: all)",
    )
    parser.add_argument(
        "--ssl-config-file",
        metavar="FILE",
        help="TensorFlow Serving's file, which has certificate, key and authorities "
        "itself, instead of the three flags above (default: none)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="answer only clients that send one of the bearer tokens in this file, one "
        "a line (default: all)",
    )
    parser.add_argument(
        "--allow-reload-config",
        action="store_true",
        help="let clients change which models are served, with "
        "HandleReloadConfigRequest (default: refuse that)",
    )
    parser.add_argument(
        "--model-root",
        action="append",
        default=[],
        metavar="FOLDER",
        help="with --allow-reload-config: a folder that models may be below; may be "
        "given several times (default: the folders of the models served at first)",
    )
    parser.add_argument(
        "--traces",
        action="store_true",
        help="send OpenTelemetry a trace of each request, through queue, batch and "
        "model, to where its own variables say, as OTEL_EXPORTER_OTLP_ENDPOINT; needs "
        "tfnative[telemetry] (default: no traces)",
    )
    parser.add_argument(
        "--json", action="store_true", help="say as JSON where it listens"
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-request-bytes",
        type=whole(1),
        default=256 << 20,
        metavar="BYTES",
        help="bytes that a request may have: as it comes, unfolded, and as the arrays "
        "of its inputs; larger ones are refused (default: 268435456, which is 256 MiB)",
    )
    parser.add_argument(
        "--max-inflight-bytes",
        type=whole(1, 2**63 - 1),
        default=1 << 30,
        metavar="BYTES",
        help="bytes that all requests at one moment may have, as they come and as "
        "arrays; what comes beyond is told to try again (default: 1073741824, which is "
        "1 GiB)",
    )
    parser.add_argument(
        "--read-timeout-seconds",
        type=seconds(),
        default=30.0,
        metavar="SECONDS",
        help="seconds that the head of a REST request may take to come, and its body, "
        "unless that comes faster than 32 KiB a second; and that a client may read "
        "nothing of its answer (default: 30)",
    )


def run(options: argparse.Namespace) -> int:
    """Serves until the process is told to end."""
    import asyncio

    try:
        from tfnative.serving.server.limits import RequestLimits
        from tfnative.serving.server.models import OpenOptions
        from tfnative.serving.server.server import (
            Server,
            ServerOptions,
            serve_until_signal,
        )
    except ModuleNotFoundError as error:
        from tfnative.serving.packages import missing

        raise missing(error) from error

    traces = _open_traces() if options.traces else None
    server_options = ServerOptions(
        options.host,
        options.port,
        options.rest_port,
        options.drain_seconds,
        limits=RequestLimits(
            options.max_request_bytes,
            options.max_inflight_bytes,
            options.read_timeout_seconds,
        ),
        tls=_tls(options),
        token_file=options.token_file,
        allow_reload_config=options.allow_reload_config,
        model_roots=tuple(options.model_root),
        models=OpenOptions(
            options.poll_seconds or None,
            options.batching_parameters_file,
            options.enable_batching,
            load_options(options),
            options.strict_permissions,
            traces,
        ),
    )
    models = _models(options)

    def tell(server: Server) -> None:
        where = {
            "models": sorted(models),
            "port": server.port,
            "rest_port": server.rest_port,
        }
        line = (
            json.dumps(where)
            if options.json
            else f"serving {', '.join(sorted(models))}: gRPC at port {server.port},"
            f" REST at port {server.rest_port}"
        )
        streams.say(line, "stdout")

    async def serve() -> int:
        server = Server(models, server_options)
        await serve_until_signal(server, tell)
        return server.unanswered

    if options.owns_process:
        _shorten_turns()
    in_background = stderr_in_background()
    with in_background if options.owns_process else contextlib.nullcontext():
        try:
            unanswered = asyncio.run(serve())
        finally:
            if traces is not None:
                _close_traces(traces)
        if unanswered:
            streams.say(f"{unanswered} requests were not answered in time", "stderr")
        streams.say("ended", "stderr")
    if unanswered and options.owns_process:
        os._exit(0)  # Python would wait for threads that are still at it.
    return 0


def _open_traces() -> TracerProvider:
    from tfnative.serving.server.tracing.exporting import open_provider

    return open_provider()


def _close_traces(traces: TracerProvider) -> None:
    from tfnative.serving.server.tracing.exporting import close_provider

    if not close_provider(traces):
        streams.say("the last spans were not taken in time", "stderr")


def _shorten_turns() -> None:
    """Has threads, and what looks for garbage, hold up the others for less long.

    A large request over which Python goes row by row is one of several threads: small
    ones get their turns after 1 ms, and not after 5. And garbage is not looked for in
    all modules any more, which took 20 ms. Models are not there yet, so that they are
    freed when they have gone.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    gc.collect()
    gc.freeze()


def _tls(options: argparse.Namespace) -> TlsSource | None:
    from tfnative.serving.server.tls import ServerTls, SslConfigFile

    certificate, key = options.tls_certificate, options.tls_key
    clients = options.tls_client_ca
    is_given = any(path is not None for path in (certificate, key, clients))
    if options.ssl_config_file is not None:
        if is_given:
            raise UsageError(
                "expected --ssl-config-file or --tls-certificate, not both"
            )
        return SslConfigFile(options.ssl_config_file)
    if not is_given:
        return None
    if certificate is None or key is None:
        raise UsageError("expected --tls-certificate and --tls-key, or none")
    return ServerTls(certificate, key, clients)


def _models(options: argparse.Namespace) -> dict[str, ModelSettings]:
    from tfnative.serving.server.config import (
        ModelSettings,
        check_model_name,
        read_config_file,
    )

    if (options.model_dir is None) == (options.model_config_file is None):
        raise UsageError("expected MODEL_DIR or --model-config-file")
    if options.model_config_file is not None:
        if options.name is not None:
            raise UsageError("--name belongs to MODEL_DIR")
        return read_config_file(options.model_config_file)
    path = Path(checked_path("MODEL_DIR", options.model_dir))
    name = path.resolve().name if options.name is None else options.name
    try:
        check_model_name(name)
    except InvalidArgumentError as error:
        raise UsageError(f"{error}: give another with --name") from None
    return {name: ModelSettings(name, str(path), Latest())}
