# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers and clients whose spans are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs opentelemetry-sdk")

from tests.python.serving.server.tracing.kept import Kept

BATCHING = """\
max_batch_size { value: 64 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 100 }
"""


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def traced(serve, settings, tmp_path, kept) -> Callable[..., Any]:
    """Starts a server whose spans are kept.

    Args of it: a file of batching parameters, or None; and options of the server.
    """

    def start(batching: str | None, models: Any = None, **options: Any) -> Any:
        opening: dict[str, Any] = {"poll_seconds": None, "traces": kept.provider}
        if batching is not None:
            (tmp_path / "batching.txt").write_text(batching)
            opening["batching_parameters_file"] = str(tmp_path / "batching.txt")
        return serve(models or settings, opening, **options)

    return start
