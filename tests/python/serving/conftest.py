# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.python.serving.official_server import OfficialServer


@pytest.fixture
def start_server() -> Iterator[Callable[..., OfficialServer]]:
    pytest.importorskip("grpc", reason="needs grpcio")
    pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")
    from tests.python.serving.official_server import OfficialServer

    servers = []

    def start(*arguments, **options) -> OfficialServer:
        servers.append(OfficialServer(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server) -> OfficialServer:
    return start_server()


@pytest.fixture
def other(start_server) -> OfficialServer:
    return start_server()
