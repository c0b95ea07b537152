# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Speaks to TensorFlow Serving, and as it does, without TensorFlow.

    client = tfnative.serving.Client("localhost:8500")
    outputs = client.predict("digits", {"image": images})

Needs ``pip install "tfnative[serving]"``.
"""

from __future__ import annotations

from tfnative.serving import messages
from tfnative.serving.async_client import AsyncClient
from tfnative.serving.client import Client
from tfnative.serving.options import Breaker, Hedge, Retry, Tls
from tfnative.serving.types import ModelMetadata, ServedVersion, ServingState

__all__ = [
    "AsyncClient",
    "Breaker",
    "Client",
    "Hedge",
    "ModelMetadata",
    "Retry",
    "ServedVersion",
    "ServingState",
    "Tls",
    "messages",
]
