# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who takes a client's spans."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs opentelemetry-sdk")

from opentelemetry.sdk.trace import TracerProvider

from tfnative.errors import FailedPreconditionError, InvalidArgumentError
from tfnative.serving import AsyncClient, Client
from tfnative.serving.tracing.provider import chosen_provider


def test_nobody_does_unless_a_provider_was_set():
    assert chosen_provider(None) is None
    assert chosen_provider(False) is None
    own = TracerProvider(shutdown_on_exit=False)
    assert chosen_provider(own) is own
    assert chosen_provider(True) is not None


def test_the_provider_of_the_process_does_once_it_was_set():
    text = (
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from tfnative.serving.tracing.provider import chosen_provider\n"
        "assert chosen_provider(None) is None\n"
        "provider = TracerProvider()\n"
        "trace.set_tracer_provider(provider)\n"
        "assert chosen_provider(None) is provider\n"
        "assert chosen_provider(False) is None\n"
    )
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


@pytest.mark.parametrize(
    "asked", ["otlp", 1.5, object], ids=["a text", "one", "a type"]
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_provider_is_refused(kind, asked):
    with pytest.raises(InvalidArgumentError, match="traces: expected a TracerProvider"):
        kind("localhost:1", traces=asked)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(FailedPreconditionError, match=r"tfnative\[serving,telemetry\]"):
        Client("localhost:1", traces=True)
