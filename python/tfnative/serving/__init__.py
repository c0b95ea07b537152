# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Speaks to TensorFlow Serving, and as it does, without TensorFlow.

    client = tfnative.serving.Client("localhost:8500")
    outputs = client.predict("digits", {"image": images})

Needs ``pip install "tfnative[serving]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfnative.serving import messages as messages
    from tfnative.serving.async_client import AsyncClient as AsyncClient
    from tfnative.serving.client import Client as Client
    from tfnative.serving.options import (
        Breaker as Breaker,
        Hedge as Hedge,
        Retry as Retry,
        Tls as Tls,
    )
    from tfnative.serving.types import (
        ModelMetadata as ModelMetadata,
        ServedVersion as ServedVersion,
        ServingState as ServingState,
    )

_LAZY = {
    "AsyncClient": "async_client",
    "Breaker": "options",
    "Client": "client",
    "Hedge": "options",
    "ModelMetadata": "types",
    "Retry": "options",
    "ServedVersion": "types",
    "ServingState": "types",
    "Tls": "options",
    "messages": "",
}

__all__ = sorted(_LAZY)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        if not _LAZY[name]:
            return import_module(f"{__name__}.{name}")
        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tfnative"):
            raise
        from tfnative.serving.packages import missing

        raise missing(error) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
