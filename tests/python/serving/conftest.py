# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.python.serving.official_server import OfficialServer


@pytest.fixture
def server(start_server) -> OfficialServer:
    return start_server()


@pytest.fixture
def other(start_server) -> OfficialServer:
    return start_server()
