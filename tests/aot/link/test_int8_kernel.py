# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The product in 8 bits has the same bits at all CPU levels and on other machines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tests.aot.link import int8_reference
from tests.aot.link.kernel_programs import PLACES, call, compile_program
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.targets import find_target
from tfnative_aot.program.passes.packing_int8 import pack_int8_matrix

SOURCES = (
    "int8/gemm/quantize_rows",
    "int8/gemm/tile",
    "int8/gemm/matrix",
    "int8/gemm/matmul",
    "epilogue",
)


@dataclass
class Product:
    """Rows, and weights that they are multiplied with.

    Attributes:
        x: (m, k), in any order of memory.
        parts: In how many parts the kernel is to do it.
        flushes: Whether numbers that are not normal count as zero.
        columns_first: Whether results of a column are next to each other.
    """

    x: int8_reference.Floats
    weights: np.ndarray
    scales: int8_reference.Floats
    parts: int = 1
    flushes: bool = False
    columns_first: bool = False

    def content(self) -> bytes:
        """For the program."""
        (m, k), n = self.x.shape, self.weights.shape[1]
        packed = pack_int8_matrix(self.weights, self.scales)
        lhs = np.asarray(self.x.base if self.x.base is not None else self.x)
        out = (1, m) if self.columns_first else (n, 1)
        strides = [s // 4 for s in self.x.strides]
        sizes = [lhs.size, packed.size, m * n]
        head = [m, n, k, *strides, *out, self.parts, self.flushes, *sizes]
        return np.array(head, np.int64).tobytes() + lhs.tobytes("A") + packed.tobytes()

    def expected(self) -> int8_reference.Floats:
        """In the order of the program's results."""
        result = int8_reference.product(self.x, self.weights, self.scales)
        return (result.T if self.columns_first else result).reshape(-1)


def _draw(rng: np.random.Generator, m: int, n: int, k: int) -> Product:
    spread = np.exp(rng.normal(size=(m, 1)) * rng.choice([0, 3, 20]))
    x = (rng.normal(size=(m, k + 2)) * spread).astype(np.float32)
    x = np.asfortranarray(x[:, :k]) if rng.random() < 0.2 else x[:, :k]
    return Product(
        x=x,
        weights=rng.integers(-127, 128, (k, n)).astype(np.int8),
        scales=(rng.random(n) * 0.01).astype(np.float32),
        parts=int(rng.integers(1, 4)),
        flushes=bool(rng.random() < 0.5),
        columns_first=bool(rng.random() < 0.2),
    )


def _extreme(k: int) -> Product:
    """The largest numbers, and ranges at the ends of what floats have."""
    signs = np.where(np.arange(k) % 2, -1.0, 1.0)
    sizes = [0, 2.0**-126, 2.0**-117, 1e-36, 1e-30, 1.0, 255, 1e38, 3.4e38, np.inf]
    rows = [*np.outer(sizes, np.ones(k)), *np.outer(sizes[:-1], signs)]
    x = np.array(rows, np.float32)
    x[5, k // 2] = np.nan
    weights = np.where(np.arange(40) % 2, 127, -127) * np.ones((k, 1))
    weights[:, ::3] *= signs[:, None]
    scales = np.array([1, 1.2e-38, 1e-30, 3e38, 0] * 8, np.float32)
    return Product(x, weights.astype(np.int8), scales, parts=2)


def _products(rng: np.random.Generator, share: int) -> list[Product]:
    """Of shapes to m = 200, n = 1100 and k = 2100, over ``share``."""
    shapes = [(1, 1, 1), (1, 16, 4), (6, 33, 64), (7, 65, 67), (97, 17, 5)]
    shapes += [
        tuple(int(rng.integers(1, most // s + 2)) for most in (200, 1100, 2100))
        for s in (share, 8 * share, 4 * share, 16 * share, 32 * share) * 5
    ]
    products = [_draw(rng, *shape) for shape in shapes]
    return [*products, _extreme(9), replace(_extreme(130), flushes=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "level"), PLACES, ids=lambda part: getattr(part, "name", part)
)
def test_results_have_the_bits_of_the_definition(
    target: str, level: CpuLevel, tmp_path: Path
) -> None:
    command = compile_program(
        find_target(target), level, tmp_path, SOURCES, "int8_product.cc"
    )
    products = _products(np.random.default_rng(11), 8 if len(command) > 1 else 1)
    said = call(command, b"".join(product.content() for product in products))
    results = np.frombuffer(said, np.float32)
    for product in products:
        expected = product.expected()
        found, results = results[: expected.size], results[expected.size :]
        assert int8_reference.same_bits(found, expected), product
    assert not results.size
