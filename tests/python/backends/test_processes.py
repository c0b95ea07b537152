# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models in other processes: forked, spawned, and in pools."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative

ROWS = np.arange(60, dtype=np.float32).reshape(20, 3)
WAYS = [
    way
    for way in ("fork", "spawn", "forkserver")
    if way in multiprocessing.get_all_start_methods()
]


def answer(model: tfnative.Model, rows: Any) -> Any:
    return model.predict(rows, signature="affine")


def answer_to(model: tfnative.Model, rows: Any, answers: Any) -> None:
    answers.put(answer(model, rows))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_pool_of_processes_takes_a_model(fake: Path, way: str, threads: int) -> None:
    context = multiprocessing.get_context(way)
    with (
        tfnative.load(fake, threads=threads) as model,
        ProcessPoolExecutor(2, context) as pool,
    ):
        answer(model, ROWS)  # Its threads have started.
        tasks = [pool.submit(answer, model, rows) for rows in np.split(ROWS, 4)]
        found = np.concatenate([task.result() for task in tasks])
    np.testing.assert_array_equal(found, 2 * ROWS + 1)


@pytest.mark.parametrize("way", WAYS)
def test_a_process_takes_a_model_as_an_argument(fake: Path, way: str) -> None:
    context = multiprocessing.get_context(way)
    answers = context.Queue()
    with tfnative.load(fake) as model:
        process = context.Process(target=answer_to, args=(model, ROWS, answers))
        process.start()
        np.testing.assert_array_equal(answers.get(timeout=60), 2 * ROWS + 1)
        process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_a_model_that_was_loaded_before_a_fork_answers_in_the_child(
    fake: Path, threads: int
) -> None:
    with tfnative.load(fake, threads=threads) as model:
        answer(model, ROWS)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in range(3):
                    np.testing.assert_array_equal(answer(model, ROWS), 2 * ROWS + 1)
                model.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        np.testing.assert_array_equal(answer(model, ROWS), 2 * ROWS + 1)
