# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantized convolutions have the same bits at all CPU levels and on other machines."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.aot.link.int8_convolution_reference import Convolution, Results, Sizes
from tests.aot.link.kernel_programs import PLACES, SANITIZED, call, compile_program
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.emulator import emulator
from tfnative_aot.machines.targets import find_target

SOURCES = (
    "int8/gemm/matrix",
    "int8/gemm/tile",
    "int8/conv_int8",
    "int8/conv_int8_to_f32",
    "int8/convolve",
    "int8/look_up",
    "int8/patches",
    "int8/pointers",
    "int8/window",
)


def _draw(
    rng: np.random.Generator,
    size: Sizes,
    channels: tuple[int, int],
    kernel: Sizes = (1, 1, 1),
    groups: int = 1,
    batch: int = 1,
    in_place: bool = False,
) -> Convolution:
    """Of ``channels`` of the input and the output, with all else drawn.

    With ``in_place``, every pixel is seen, one after the other, by a kernel of one.
    """

    def three(most: int) -> Sizes:
        d, h, w = (int(rng.integers(1, most + 1)) for _ in range(3))
        return d, h, w

    stride, dilation = (three(1), three(1)) if in_place else (three(2), three(2))
    spans = [(k - 1) * step + 1 for k, step in zip(kernel, dilation, strict=True)]
    padding = [0 if in_place else int(rng.integers(-1, span)) for span in spans]
    out = [
        max(1, (n + p + int(rng.integers(0, span)) - span) // step + 1)
        for n, p, span, step in zip(size, padding, spans, stride, strict=True)
    ]
    n = channels[1]
    k = kernel[0] * kernel[1] * kernel[2] * channels[0] // groups
    shape = (batch, out[0], out[1], out[2], n)
    table = rng.integers(0, 256, 256).astype(np.uint8)
    low, high = sorted(rng.integers(0, 256, 2).tolist())
    has_addend = rng.random() < 0.5
    return Convolution(
        x=rng.integers(0, 256, (batch, *size, channels[0])).astype(np.uint8),
        weights=rng.integers(-127, 128, (*kernel, channels[0] // groups, n)).astype(
            np.int8
        ),
        bias=rng.integers(-20000, 20001, n).astype(np.int32),
        multiplier=(rng.random(n) * 0.02 / k**0.5 + 1e-6).astype(np.float32),
        groups=groups,
        out=(out[0], out[1], out[2]),
        stride=stride,
        padding=(padding[0], padding[1], padding[2]),
        dilation=dilation,
        input_zero=int(rng.integers(0, 256)),
        zero=int(rng.integers(0, 256)),
        bounds=(low, high) if rng.random() < 0.3 else (0, 255),
        addend=rng.integers(0, 256, shape).astype(np.uint8) if has_addend else None,
        addend_zero=int(rng.integers(0, 256)),
        addend_scale=float(np.float32(rng.random() * 2)),
        adds_in_place=bool(has_addend and rng.random() < 0.5),
        table=table if rng.random() < 0.3 else None,
        parts=int(rng.integers(1, 4)),
    )


def _extreme(rng: np.random.Generator) -> Convolution:
    """The largest sums and multipliers, and results halfway between two numbers."""
    case = _draw(rng, (1, 3, 5), (20, 48), (1, 3, 3), batch=2)
    signs = np.where(np.arange(48) % 2, 127, -127)
    multiplier = np.array([1.2e-38, 1e-20, 0.5, 0.25, 1e30, 3e38] * 8, np.float32)
    return replace(
        case,
        x=rng.choice(np.array([0, 1, 254, 255], np.uint8), case.x.shape),
        weights=np.broadcast_to(signs, case.weights.shape).astype(np.int8),
        multiplier=multiplier,
        bias=np.array([0, 1, -(2**30), 2**30, 3, 7] * 8, np.int32),
        input_zero=255,
        bounds=(0, 255),
    )


def _convolutions(rng: np.random.Generator, share: int) -> list[Convolution]:
    """Of all kinds; of the large ones, those that are not left to others by share."""
    cases = [
        _draw(rng, (1, 1, 1), (1, 1)),
        _draw(rng, (1, 1, 1), (130, 40), batch=7),
        _draw(rng, (1, 1, 1), (64, 33), batch=9),
        _draw(rng, (1, 1, 1), (5, 3), batch=3),
        _draw(rng, (1, 7, 9), (3, 17), (1, 3, 3), batch=2),
        _draw(rng, (1, 5, 6), (24, 40), (1, 3, 3), groups=2, batch=2),
        _draw(rng, (1, 5, 6), (9, 6), (1, 2, 3), groups=3),
        _draw(rng, (1, 1, 19), (8, 7), (1, 1, 5), batch=3),
        _draw(rng, (3, 4, 5), (4, 18), (2, 3, 2)),
        _draw(rng, (1, 6, 7), (48, 20), (1, 3, 3), batch=3),
        _draw(rng, (1, 4, 5), (100, 65), (1, 3, 3), batch=2),
        _draw(rng, (1, 2, 2), (64, 32), (1, 5, 5)),
        _draw(rng, (1, 5, 7), (64, 40), batch=2, in_place=True),
        _draw(rng, (1, 1, 1), (128, 33), batch=40, in_place=True),
        _draw(rng, (1, 1, 1), (64, 20), batch=103, in_place=True),
        _draw(rng, (1, 4, 9), (256, 32), groups=2, in_place=True),
        _extreme(rng),
        _extreme(rng),
    ]
    for _ in range(32 // share):
        size, kernel = rng.integers(1, [3, 15, 15]), rng.integers(1, [3, 5, 5])
        groups = int(rng.choice([1, 1, 1, 2]))
        channels = rng.integers(1, [60, 50]) * groups
        cases.append(
            _draw(
                rng,
                (int(size[0]), int(size[1]), int(size[2])),
                (int(channels[0]), int(channels[1])),
                (int(kernel[0]), int(kernel[1]), int(kernel[2])),
                groups,
                int(rng.integers(1, 4)),
            )
        )
    as_floats = [
        replace(case, clamp=clamp, addend=None, adds_in_place=False, table=None)
        for case, clamp in zip(
            cases[::2],
            [(-np.inf, np.inf), (0.0, 6.0), (-1.5, np.inf)] * 99,
            strict=False,
        )
    ]
    return cases + as_floats


@functools.cache
def _expected(share: int) -> tuple[bytes, list[tuple[Convolution, Results]]]:
    """What all programs are told, and what is to come of each convolution."""
    cases = _convolutions(np.random.default_rng(12), share)
    content = b"".join(case.content() for case in cases)
    return content, [(case, case.expected()) for case in cases]


def _check(command: tuple[str | Path, ...], share: int = 1) -> None:
    content, cases = _expected(8 if len(command) > 1 else share)
    said = call(command, content)
    for case, expected in cases:
        size = case.result_bytes()
        found, said = case.result(said[:size]), said[size:]
        assert np.array_equal(found, expected), case
    assert not said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "level"), PLACES, ids=lambda part: getattr(part, "name", part)
)
def test_results_have_the_bits_of_the_definition(
    target: str, level: CpuLevel, tmp_path: Path
) -> None:
    _check(
        compile_program(
            find_target(target), level, tmp_path, SOURCES, "int8_convolution.cc"
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "level"),
    [place for place in PLACES if place[1].tag in {"v3", "v4_vnni", "v4_amx"}],
    ids=lambda part: getattr(part, "name", part),
)
def test_nothing_is_read_or_written_outside_of_arrays(
    target: str, level: CpuLevel, tmp_path: Path
) -> None:
    found = find_target(target)
    if emulator(found) != ():
        pytest.skip("sanitizers need the machine itself")
    _check(
        compile_program(
            found, level, tmp_path, SOURCES, "int8_convolution.cc", SANITIZED
        ),
        share=2,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "matrix", [(), ("-DTFN_MATRIX_MODEL",)], ids=["vectors", "matrix"]
)
def test_the_code_of_wide_vectors_has_the_same_bits(
    matrix: tuple[str, ...], tmp_path: Path
) -> None:
    target, level = next(place for place in PLACES if place[1].tag == "v2")
    wide = ("-DTFN_WIDE_VECTORS", *matrix, "-Wno-psabi", *SANITIZED)
    _check(
        compile_program(
            find_target(target), level, tmp_path, SOURCES, "int8_convolution.cc", wide
        ),
        share=8,
    )
