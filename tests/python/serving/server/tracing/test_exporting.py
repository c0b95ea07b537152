# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serve --traces`, a client in another process, and a collector."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.python.serving.server.tracing.receivers import over_grpc, over_http
from tfnative.errors import InvalidArgumentError
from tfnative.serving.server.tracing import exporting
from tfnative.serving.server.tracing.exporting import open_provider

CLIENT = """\
import sys
import numpy as np
from opentelemetry import trace
from tfnative.serving.server.tracing.exporting import open_provider
from tfnative.serving import Client

provider = open_provider()
trace.set_tracer_provider(provider)  # After which clients have traces by themselves.
for address in sys.argv[1:]:
    with Client(address) as client:
        client.predict("affine", {"x": np.ones((2, 3), np.float32)}, signature="affine")
provider.shutdown()
"""


@contextlib.contextmanager
def _serving(versions, *options: str, **environment: str):
    """The server as a process: its JSON line, and at the end, that it ends well."""
    command = [
        *(sys.executable, "-m", "tfnative", "serve", str(versions), "--port=0"),
        *("--rest-port=0", "--poll-seconds=0", "--json", *options),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**_clean(), **environment},
    )
    line = process.stdout.readline()
    try:
        if not line:
            raise AssertionError(process.communicate(timeout=30)[1])
        yield json.loads(line), process
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told


def _clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}


@pytest.mark.parametrize("receiver", [over_http, over_grpc], ids=["http", "grpc"])
def test_client_and_server_send_one_trace_to_a_collector(versions, receiver, tmp_path):
    (tmp_path / "batching.txt").write_text("max_batch_size { value: 8 }")
    batching = f"--batching-parameters-file={tmp_path / 'batching.txt'}"
    with receiver() as received:
        own = {**received.environment, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with _serving(versions, "--traces", batching, **own) as (said, _):
            addresses = (
                f"localhost:{said['port']}",
                f"http://localhost:{said['rest_port']}",
            )
            subprocess.run(
                [sys.executable, "-c", CLIENT, *addresses],
                check=True,
                env={**_clean(), **own, "OTEL_SERVICE_NAME": "application"},
                timeout=60,
            )
        # It has ended, and with it every span is there.
        spans = received.spans
        assert received.services == {"application", "tfnative"}
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    calls = [span for span in spans if span.name == "tfnative.predict"]
    assert len(calls) == 2
    for call in calls:
        own_spans = [span for span in spans if span.trace_id == call.trace_id]
        names = {span.name for span in own_spans}
        assert names >= {"tfnative.queue", "tfnative.batch", "tfnative.compute"}
        for span in own_spans:
            assert span.end_time_unix_nano >= span.start_time_unix_nano > 1e18
            if span is not call:
                assert by_id[span.parent_span_id].trace_id == call.trace_id


def test_a_collector_that_is_away_holds_up_nobody(versions):
    away = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    begun = time.monotonic()
    with _serving(versions, "--traces", **away) as (said, _):
        from tfnative.serving import Client

        with Client(f"localhost:{said['port']}") as client:
            client.predict("affine", {"x": [[1.0, 2, 3]]}, signature="affine")
    assert time.monotonic() - begun < 25


def test_a_server_does_not_wait_for_a_provider_that_does_not_end(monkeypatch):
    ended = threading.Event()

    class Provider:
        def shutdown(self) -> None:
            ended.wait()

    monkeypatch.setattr(exporting, "FLUSH_SECONDS", 0.05)
    assert not exporting.close_provider(Provider())
    ended.set()
    assert exporting.close_provider(Provider())
    assert exporting.close_provider(None)


def test_without_the_option_opentelemetry_is_not_imported(versions):
    watched = (
        "import sys, tfnative.__main__ as main\n"
        "import tfnative.serving.server.server as server\n"
        "import tfnative.serving\n"
        "tfnative.serving.Client('localhost:1').close()\n"
        "tfnative.serving.AsyncClient('http://localhost:1')\n"
        "from tfnative.serving.server.models import OpenOptions\n"
        "server.Server({}, server.ServerOptions(models=OpenOptions()))\n"
        "assert not [name for name in sys.modules if 'opentelemetry' in name]\n"
    )
    subprocess.run([sys.executable, "-c", watched], check=True, timeout=60)


@pytest.mark.parametrize("package", ["opentelemetry", "opentelemetry.sdk"])
def test_a_package_that_is_missing_is_named(versions, package):
    hidden = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "import tfnative.__main__ as main\n"
        f"sys.argv = ['tfnative', 'serve', {str(versions)!r}, '--traces']\n"
        "sys.exit(main.run())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", hidden],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 1
    assert 'pip install "tfnative[serving,telemetry]"' in found.stderr
    assert package.split(".")[0] in found.stderr


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, console or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "grpc or http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp", "grpc or http/protobuf"),
    ],
)
def test_what_variables_say_that_there_is_not(monkeypatch, name, value, expected):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidArgumentError, match=f"{name}: expected {expected}"):
        open_provider()


def test_the_service_has_the_name_that_variables_say(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert open_provider().resource.attributes["service.name"] == "tfnative"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "digits")
    assert open_provider().resource.attributes["service.name"] == "digits"
