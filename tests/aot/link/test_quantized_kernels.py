# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels for quantized arrays have the same bits at all CPU levels and machines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.aot.link.kernel_programs import PLACES, SANITIZED, compile_program
from tests.aot.link.quantized_calls import Bytes, Call, Floats, Result, Window
from tfnative_aot.machines.cpu_levels import X86_LEVELS, CpuLevel, host_x86_level
from tfnative_aot.machines.targets import find_target

SOURCES = tuple(
    f"int8/{name}" for name in ("binary", "depthwise_int8", "look_up", "pool", "unary")
)
_NARROW = replace(
    X86_LEVELS[0],
    name="wide",
    compiler_flags=("-O1", "-DTFN_WIDE_VECTORS", "-Wno-psabi"),
)


@dataclass(frozen=True)
class Place:
    """What kernels are compiled for, and with what they are checked."""

    target: str
    level: CpuLevel
    checks: tuple[str, ...] = ("-static",)

    def __str__(self) -> str:
        checked = self.checks == SANITIZED
        return f"{self.target}-{'sanitized' if checked else self.level.name}"


ALL = [
    *(Place(target, level) for target, level in PLACES),
    Place("linux-x86_64", _NARROW),
    # The best level of this machine: two of them would take twice the time.
    Place("linux-x86_64", X86_LEVELS[max(host_x86_level(), 3) - 2], SANITIZED),
]


@pytest.fixture(scope="module", params=ALL, ids=str)
def program(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[str | Path]:
    """Compiles the kernels as artifacts have them, and what calls them."""
    place: Place = request.param
    target, folder = find_target(place.target), tmp_path_factory.mktemp("kernels")
    caller = "quantized_kernels.cc"
    return compile_program(target, place.level, folder, SOURCES, caller, place.checks)


def _check(program: Sequence[str | Path], calls: Sequence[Call]) -> None:
    said = subprocess.run(
        program,
        input=b"".join(call.content() for call in calls),
        stdout=subprocess.PIPE,
        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"),
        check=True,
    ).stdout
    for call in calls:
        size = call.out_bytes()
        found, said = call.found(said[:size]), said[size:]
        wanted = np.ascontiguousarray(call.expected).reshape(len(call.lhs), -1)
        np.testing.assert_array_equal(found, wanted.view(np.uint8), repr(call))
    assert not said


def _bytes(rng: np.random.Generator, *shape: int) -> Bytes:
    return rng.integers(0, 256, shape).astype(np.uint8)


def _result(rng: np.random.Generator) -> Result:
    low, high = sorted(int(x) for x in rng.integers(0, 256, 2))
    if rng.random() < 0.6:
        low, high = 0, 255
    elif rng.random() < 0.2:
        high = low
    table = _bytes(rng, 256) if rng.random() < 0.3 else None
    return Result(int(rng.integers(0, 256)), low, high, table)


def _draw_parts(rng: np.random.Generator, call: Call) -> Call:
    parts = int(rng.choice([1, 1, 2, 3, 7]))
    return replace(call, parts=parts, flushes=bool(rng.random() < 0.5))


def _unary_calls(rng: np.random.Generator) -> Iterator[Call]:
    for rows, elements in ((1, 1), (1, 1500), (2, 70), (3, 1023), (2, 4099), (4, 7)):
        floats = (rng.normal(size=(rows, elements)) * 100).astype(np.float32)
        scale = (float(np.float32(rng.random() * 2)), 1.0)
        yield Call("quantize", floats, _result(rng), scale=scale)
        bytes_ = _bytes(rng, rows, elements)
        yield Call("dequantize", bytes_, _result(rng), scale=scale)
        yield Call("table", bytes_, Result(table=_bytes(rng, 256)))
    all_bytes = np.arange(256, dtype=np.uint8)[None]
    for scale in (1.2e-38, 3.4e38, 0.1):
        yield Call("dequantize", all_bytes, Result(zero=77), scale=(scale, 1.0))
    yield Call("table", all_bytes, Result(table=_bytes(rng, 256)))


def _extreme_floats() -> Floats:
    """What is not finite, ties, and the least and the largest numbers."""
    sizes = [
        np.inf,
        3.4e38,
        1e10,
        255.5,
        2.0**31,
        2.0**32,
        2.0**23,
        2.0**-126,
        1e-40,
        0,
    ]
    halves = np.arange(-300, 300) + 0.5
    near = np.nextafter(halves.astype(np.float32), np.float32(0))
    return np.array([[*sizes, *np.negative(sizes), np.nan, *halves, *near]], np.float32)


@cache
def _all_unary_calls() -> Sequence[Call]:
    rng = np.random.default_rng(1)
    calls = [_draw_parts(rng, call) for call in _unary_calls(rng)]
    for scale in (1.0, 2.0, 1e-30, 1e30):
        for zero, low, high in ((0, 0, 255), (255, 0, 255), (127, 3, 200), (9, 4, 4)):
            result = Result(zero, low, high)
            calls.append(Call("quantize", _extreme_floats(), result, scale=(scale, 1)))
    return calls


def _binary_calls(rng: np.random.Generator) -> Iterator[Call]:
    shapes = [(1, 1, 1), (2, 6, 1), (3, 35, 5), (2, 21, 21), (1, 2048, 2048)]
    shapes += [(2, 1300, 1300), (2, 4800, 96), (1, 2600, 1300), (3, 3333, 3)]
    for rows, elements, second in shapes:
        for kernel in ("add", "multiply"):
            scale = rng.random(2).astype(np.float32) * 0.9
            yield Call(
                kernel,
                _bytes(rng, rows, elements),
                _result(rng),
                zero=(int(rng.integers(256)), int(rng.integers(256))),
                scale=(float(scale[0]), float(scale[1] / (kernel == "add" or 99))),
                second=_bytes(rng, rows, second),
            )


@cache
def _all_binary_calls() -> Sequence[Call]:
    rng = np.random.default_rng(2)
    calls = [_draw_parts(rng, call) for call in _binary_calls(rng)]
    every = np.arange(65536, dtype=np.int64)[None]
    first, second = (every // 256).astype(np.uint8), (every % 256).astype(np.uint8)
    for kernel, scale in (("add", (0.37, 0.81)), ("multiply", (0.0078, 1.0))):
        for result in (Result(128), Result(0, 5, 250)):
            both = (128, 3)
            calls.append(Call(kernel, first, result, both, scale, second, parts=3))
    few = [array[:, ::97].copy() for array in (first, second)]
    for kernel in ("add", "multiply"):
        for scale in ((3e38, 1.0), (1.0, 3e38), (1.2e-38, 1.2e-38), (0.5, 0.5)):
            if kernel == "add" or scale[1] == 1.0 or scale[0] < 1:
                extreme = Call(kernel, few[0], Result(100), (5, 99), scale, few[1])
                calls.append(extreme)
    return calls


def _window(rng: np.random.Generator, sizes: Sequence[int], most: int) -> Window:
    """Some window on an input of these sizes, partly outside."""
    while True:
        size = [int(rng.integers(1, most + 1)) if s > 1 else 1 for s in sizes]
        stride, dilation = rng.integers(1, 4, (2, 3)) * (np.array(sizes) > 1)
        stride, dilation = np.maximum(stride, 1), np.maximum(dilation, 1)
        span = (np.array(size) - 1) * dilation + 1
        low = np.where(np.array(sizes) > 1, rng.integers(-1, span), 0)
        high = np.where(np.array(sizes) > 1, rng.integers(-1, span), 0)
        room = np.array(sizes) + low + high - span
        if (room >= 0).all():
            out = room // stride + 1
            return Window(
                *(tuple(map(int, x)) for x in (out, size, stride, low, dilation))
            )


def _sees_input(window: Window, sizes: Sequence[int]) -> bool:
    """Whether each window has a place that is no padding."""
    for i, size in enumerate(sizes):
        seen = [window.places(i, k, size)[1] for k in range(window.size[i])]
        if not np.any(seen, axis=0).all():
            return False
    return True


def _pool_calls(rng: np.random.Generator, count: int) -> Iterator[Call]:
    while count:
        sizes = [int(rng.choice([1, 1, 1, 4])), int(rng.integers(1, 9))]
        sizes.append(int(rng.integers(1, 12)))
        channels = int(rng.choice([1, 3, 8, 16, 17, 40, 64, 96, 130]))
        window = _window(rng, sizes, 4)
        if not _sees_input(window, sizes):
            continue
        count -= 1
        lhs = _bytes(rng, int(rng.integers(1, 4)), *sizes, channels)
        zero, scale = (int(rng.integers(256)), 0), float(rng.random() * 2)
        yield Call("max", lhs, window=window)
        yield Call("average", lhs, _result(rng), zero, (scale, 1.0), None, window)


@cache
def _all_pool_calls() -> Sequence[Call]:
    rng = np.random.default_rng(3)
    calls = [_draw_parts(rng, call) for call in _pool_calls(rng, 40)]
    ones = (1, 1, 1)
    for h, w, channels in ((7, 7, 67), (20, 30, 1), (1, 300, 5)):
        window = Window(ones, (1, h, w), ones, (0, 0, 0), ones)
        for value in (0, 255):
            lhs = np.full((2, 1, h, w, channels), value, np.uint8)
            result = Result(3)
            same = Call("average", lhs, result, (7, 0), (0.9, 1.0), None, window)
            random = replace(same, lhs=_bytes(rng, *lhs.shape), parts=2)
            huge = replace(random, scale=(3e38, 1.0))
            calls += [same, random, huge, replace(random, scale=(1.2e-38, 1.0))]
    return calls


def _convolution(
    rng: np.random.Generator, sizes: Sequence[int], channels: int, window: Window
) -> Call:
    lhs = _bytes(rng, int(rng.integers(1, 3)), *sizes, channels)
    _, h, w = window.size
    has_addend = rng.random() < 0.4
    return Call(
        "depthwise",
        lhs,
        _result(rng),
        (int(rng.integers(256)), int(rng.integers(256))),
        (1.0, float(rng.random())),
        _bytes(rng, len(lhs), *window.out, channels) if has_addend else None,
        window,
        rng.integers(-127, 128, (h, w, channels)).astype(np.int8),
        rng.integers(-50000, 50000, channels).astype(np.int32),
        (rng.random(channels) * 0.01 + 1e-5).astype(np.float32),
    )


def _convolutions(rng: np.random.Generator, count: int) -> Iterator[Call]:
    for _ in range(count):
        sizes = [1, int(rng.integers(1, 12)), int(rng.integers(1, 14))]
        channels = int(rng.choice([1, 3, 8, 16, 17, 24, 40, 64, 96, 130]))
        yield _convolution(rng, sizes, channels, _window(rng, sizes, 6))
    ones = (1, 1, 1)
    for size in (3, 5):
        for stride in (1, 2):
            steps, padding = (1, stride, stride), (0, size // 2, size // 2)
            for h, w in ((7, 9), (2, 2), (5, 70)):
                out = (1, (h - 1) // stride + 1, (w - 1) // stride + 1)
                window = Window(out, (1, size, size), steps, padding, ones)
                yield _convolution(rng, (1, h, w), int(rng.choice([17, 48])), window)
    long = Window((1, 1, 200), (1, 1, 9), ones, (0, 0, 100), (1, 1, 25))
    yield _convolution(rng, (1, 1, 200), 19, long)


def _extreme_convolutions(rng: np.random.Generator) -> Iterator[Call]:
    """The largest sums, and multipliers at the ends of what floats have."""
    ones = (1, 1, 1)
    window = Window((1, 6, 7), (1, 3, 3), ones, (0, 1, 1), ones)
    call = _convolution(rng, (1, 6, 7), 33, window)
    signs = np.where(np.arange(33) % 2, 127, -127)
    multiplier = np.array([1.2e-38, 3.4e38, 1.0] * 11, np.float32)
    for value, zero in ((255, 0), (0, 255), (255, 255), (1, 0)):
        yield replace(
            call,
            lhs=np.full_like(call.lhs, value),
            zero=(zero, 9),
            weights=np.broadcast_to(signs, (3, 3, 33)).astype(np.int8),
            bias=np.array([2**30, -(2**30), 0] * 11, np.int32),
            multiplier=multiplier,
        )
    # What is added to sums, where floats have all of both, and where they do not.
    most = 2**24 - 9 * 255 * 127
    for bias in (most, most + 1, -most, -most - 1):
        yield replace(
            call,
            lhs=np.full_like(call.lhs, 255),
            zero=(0, 9),
            weights=np.broadcast_to(signs, (3, 3, 33)).astype(np.int8),
            bias=np.full(33, bias, np.int32),
            multiplier=np.full(33, 2**-17, np.float32),
        )


@cache
def _all_convolutions() -> Sequence[Call]:
    rng = np.random.default_rng(4)
    calls = [_draw_parts(rng, call) for call in _convolutions(rng, 60)]
    return [*calls, *_extreme_convolutions(rng)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "calls",
    [_all_unary_calls, _all_binary_calls, _all_pool_calls, _all_convolutions],
    ids=["to_and_from_floats", "two_arrays", "pooling", "depthwise"],
)
def test_results_have_the_bits_of_the_definition(
    program: Sequence[str | Path], calls: Callable[[], Sequence[Call]]
) -> None:
    _check(program, calls())
