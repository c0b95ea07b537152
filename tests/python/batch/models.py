# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Something to batch that tests can hold up, and rows for it."""

from __future__ import annotations

import threading

import numpy as np

import tfnative


class Slow:
    """Predicts as a model does, when it is let; y = 2 x + offset."""

    name = "slow"

    def __init__(self, offset: float = 1) -> None:
        self.offset = offset
        self.batches: list[int] = []
        self.error: BaseException | None = None
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Semaphore(0)

    def signature(self, name: str | None = None) -> tfnative.Signature:
        f4 = np.dtype("f4")
        return tfnative.Signature(
            name or "serving_default",
            {"x": tfnative.TensorSpec("x", f4, (-1, 3))},
            {"y": tfnative.TensorSpec("y", f4, (-1, 3))},
            (4,),
            True,
        )

    def predict(self, inputs, *, signature=None):
        self.batches.append(len(inputs["x"]))
        self.begun.release()
        self.free.wait()
        if self.error is not None:
            raise self.error
        return {"y": 2 * inputs["x"] + np.float32(self.offset)}


def rows(count: int = 1, value: float = 0) -> np.ndarray:
    return np.arange(count * 3, dtype="f4").reshape(count, 3) + np.float32(value)
