# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A client for coroutines says so if it is used in two event loops."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import tfnative
from tfnative import serving

X = np.ones((1, 3), np.float32)
OTHER = "belongs to another event loop"


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_in_another_event_loop_it_says_so(serve, settings, kind):
    client = serving.AsyncClient(getattr(serve(settings), kind))

    async def ask() -> list[list[float]]:
        outputs = await client.predict("affine", {"x": X}, signature="affine")
        return outputs["y"].tolist()

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(ask()) == [[4, 4, 4]]
    for call in (ask, ask, lambda: client.status("affine"), client.close):
        with pytest.raises(tfnative.FailedPreconditionError, match=OTHER):
            asyncio.run(call())
    loop.run_until_complete(client.close())
    loop.close()


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_one_in_each_event_loop_is_well(serve, settings, kind):
    address = getattr(serve(settings), kind)

    async def ask() -> list[list[float]]:
        async with serving.AsyncClient(address) as client:
            outputs = await client.predict("affine", {"x": X}, signature="affine")
            return outputs["y"].tolist()

    for _ in range(2):
        assert asyncio.run(ask()) == [[4, 4, 4]]
