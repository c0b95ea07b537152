# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batches are made where they pay, and with as many threads as there are cores."""

from __future__ import annotations

import os

import httpx
import numpy as np
import pytest

import tfnative
from tests.python.serving.server.conftest import Running
from tfnative import serving
from tfnative._core import BatchOptions
from tfnative.serving.server.batch_plan import (
    batch_threads,
    best_batch_size,
    planned,
)

X = np.ones((1, 3), np.float32)


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        # As a convolution: rows together take as long as one by one.
        ({1: 100, 8: 800, 32: 3200}, 1),
        ({1: 100, 8: 700, 32: 2700}, 1),
        # As products with large weights, which are read once for all rows.
        ({1: 100, 8: 110, 32: 160}, 32),
        # Rows together take a third less.
        ({1: 100, 8: 520, 32: 2080}, 8),
        # Larger batches gain nothing more.
        ({1: 100, 8: 200, 32: 790}, 8),
        # Or are even slower.
        ({1: 100, 8: 200, 32: 1600}, 8),
        ({1: 100}, 1),
        # All of it takes less than a request does besides.
        ({1: 2, 8: 3, 32: 4}, 1),
        # Nobody has measured.
        ({1: 0, 8: 0}, None),
        ({}, None),
    ],
)
def test_the_smallest_size_is_chosen_that_is_nearly_the_best(taken, expected):
    sizes = tuple(sorted(taken))
    micros = {1: 0} | taken
    assert best_batch_size(sizes, lambda rows: 1000 * micros[rows]) == expected


def test_a_size_of_one_need_not_be_compiled():
    assert best_batch_size((8,), {1: 790_000, 8: 800_000}.__getitem__) == 8


def test_threads_keep_all_cores_busy():
    cores = len(os.sched_getaffinity(0))
    assert batch_threads(1) == cores
    assert batch_threads(cores) == 1
    assert batch_threads(2 * cores) == 1


class Measured:
    """A model whose batches are known to take so long."""

    def __init__(self, nanos):
        self._nanos = nanos

    def _expected_nanos(self, signature, rows):
        assert signature == "affine"
        return self._nanos[rows]


def test_what_the_file_says_is_not_chosen(model):
    signature = model.signature("affine")
    options = BatchOptions()
    options.max_batch_size = 3
    assert planned(options, Measured({}), signature) is options


def test_requests_may_have_more_rows_than_a_batch(model):
    signature = model.signature("affine")
    nanos = {1: 1_000_000, 4: 1_100_000, 16: 16_000_000}
    found = planned(BatchOptions(), Measured(nanos), signature)
    assert found.max_execution_batch_size == 4
    assert found.enable_large_batch_splitting
    assert found.max_batch_size == 400
    assert planned(BatchOptions(), Measured({1: 1, 4: 4, 16: 16}), signature) is None


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_a_server_that_batches_answers_requests_of_any_size(serve, settings, rows):
    server: Running = serve(settings, {"poll_seconds": None, "enable_batching": True})
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    with serving.Client(server.grpc) as client:
        found = client.predict("affine", {"x": x}, signature="affine")
    np.testing.assert_array_equal(found["y"], 2 * x + 2)


def test_an_empty_file_leaves_all_open(serve, settings, tmp_path):
    file = tmp_path / "batching.txt"
    file.write_text("")
    options = {"poll_seconds": None, "batching_parameters_file": str(file)}
    server: Running = serve(settings, options)
    with serving.Client(server.grpc) as client:
        found = client.predict("affine", {"x": X}, signature="affine")
        with pytest.raises(tfnative.InvalidArgumentError):
            client.predict("affine", {"x": X[:, :2]}, signature="affine")
    np.testing.assert_array_equal(found["y"], 2 * X + 2)


def test_the_metrics_name_threads_as_the_file_does(serve, settings, tmp_path):
    file = tmp_path / "batching.txt"
    file.write_text('max_batch_size { value: 4 } thread_pool_name { value: "mine" }')
    options = {"poll_seconds": None, "batching_parameters_file": str(file)}
    server: Running = serve(settings, options)
    with serving.Client(server.grpc) as client:
        client.predict("affine", {"x": X}, signature="affine")
    assert 'thread_pool_name="mine"' in httpx.get(f"{server.rest}/metrics").text


@pytest.mark.parametrize("way", ["grpc", "rest"])
def test_a_request_that_finds_its_batcher_closed_is_answered(
    way, serve, settings, tmp_path
):
    """As it is when its version is replaced just then."""
    file = tmp_path / "batching.txt"
    file.write_text("max_batch_size { value: 16 }")
    options = {"poll_seconds": None, "batching_parameters_file": str(file)}
    server: Running = serve(settings, options)
    with serving.Client(getattr(server, way)) as client:
        client.predict("affine", {"x": X}, signature="affine")
        ((_, _, batcher),) = server.server.service.models["affine"].batchers()
        batcher.close()
        found = client.predict("affine", {"x": X}, signature="affine")
    np.testing.assert_array_equal(found["y"], 2 * X + 2)
