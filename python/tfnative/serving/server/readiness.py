# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a server, and each of its models, takes requests."""

from __future__ import annotations

from collections.abc import Callable

from tfnative.errors import Error
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec


class Readiness:
    """What whoever sends requests here wants to know first.

    That the process lives is another question: one that is not ready need not be ended.

    Args:
        service: The models.
        is_open: Whether the server takes new requests: not while it ends.
    """

    def __init__(self, service: Service, is_open: Callable[[], bool]) -> None:
        self._service = service
        self._is_open = is_open

    def why_not(self) -> str:
        """Why the server is not ready; empty if it is.

        It is ready when each of its models is, and there is one.
        """
        if not self._is_open():
            return "closing"
        names = tuple(self._service.models)
        if not names:
            return "no model is configured"
        # Not which: whoever asks may not be one who knows the models.
        waiting = sum(not self.is_ready(ModelSpec(name)) for name in names)
        return f"not ready: {waiting} of {len(names)} models" if waiting else ""

    def is_ready(self, spec: ModelSpec) -> bool:
        """Whether requests for a model, or one of its versions, are answered.

        Raises:
            NotFoundError: The server has no such model.
        """
        served = self._service.served(spec)
        if not self._is_open():
            return False
        try:
            served.find(spec)
        except Error:
            return False
        return True
