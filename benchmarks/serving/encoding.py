# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long a batch of images takes to become a message, beside a copy of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfnative.serving.tensors.decode import decode_tensor
from tfnative.serving.tensors.encode import encode_tensor

TARGET = 1.3
"""Times the copy."""
SHAPE = (32, 224, 224, 3)


@dataclass(frozen=True)
class Encoding:
    """Medians, in milliseconds; and ratios to the copy, the medians of those of rounds.

    Attributes:
        copy: ``array.tobytes()``, which is a memcpy to new memory.
        encode: Of an array to the bytes of a TensorProto.
        decode: Back, to an array of its own.
    """

    copy: float
    encode: float
    decode: float
    encode_ratio: float
    decode_ratio: float


def measure(rounds: int = 31) -> Encoding:
    """Takes turns."""
    array = np.random.default_rng(1).random(SHAPE, np.float32)
    message = b"".join(encode_tensor(array))
    turns: dict[str, Callable[[], object]] = {
        "copy": array.tobytes,
        "encode": lambda: b"".join(encode_tensor(array)),
        "decode": lambda: decode_tensor(memoryview(message), "x"),
    }
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            start = time.perf_counter()
            turn()
            taken[name].append((time.perf_counter() - start) * 1e3)
    medians = {name: statistics.median(found) for name, found in taken.items()}

    def ratio(name: str) -> float:
        pairs = zip(taken[name], taken["copy"], strict=True)
        return statistics.median(a / b for a, b in pairs)

    return Encoding(
        **medians, encode_ratio=ratio("encode"), decode_ratio=ratio("decode")
    )
