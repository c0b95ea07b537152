# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What XLA's code calls is there: in the C library, in every compiler's, or in ours."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.models.saving import function_save
from tests.turns import Once
from tfnative_aot import pipeline
from tfnative_aot.emit.builtins import BUILTINS
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.link.toolchain import run, sources_dir
from tfnative_aot.load.load_model import load_model
from tfnative_aot.machines.cpu_levels import VariantKey
from tfnative_aot.machines.object_file import undefined_symbols
from tfnative_aot.machines.targets import TARGETS, Target, find_target
from tfnative_aot.split.divide import prepare
from tfnative_aot.xla.tfcompile import tfcompile, write_graph

pytestmark = pytest.mark.slow  # Compiles for each target.

# C's own mathematics, as old as C99.
LIBM = set("atan2 cos exp floor fma fmod log pow sin".split())
LIBM |= {f"{name}f" for name in LIBM}
# GCC's and LLVM's libraries have had these for all of ARM, and of Windows.
COMPILERS = {
    "__aeabi_d2ulz",
    "__aeabi_f2lz",
    "__aeabi_f2ulz",
    "__aeabi_l2d",
    "__aeabi_l2f",
    "__aeabi_ldivmod",
    "__aeabi_ul2d",
    "__aeabi_ul2f",
    "__aeabi_uldivmod",
    "__aeabi_unwind_cpp_pr0",
    "__aeabi_unwind_cpp_pr1",
    "___chkstk_ms",
}
# Sine and cosine in one: glibc, Android and Apple have it; ours is for Windows.
SINE_AND_COSINE = {"__sincos_stret", "__sincosf_stret"}
LIBC = {"memcpy", "memmove", "memset"}


def conversions(x: Any, d: Any, i: Any, u: Any) -> dict[str, Any]:
    """What has no instruction somewhere."""
    import tensorflow as tf

    cast, found = tf.cast, {}
    for half in (tf.float16, tf.bfloat16):
        small = cast(x, half)
        found |= {
            f"{half.name}_{name}": cast(value, tf.float32)
            for name, value in {
                "float": small * cast(x[0], half),
                "double": cast(d, half) * cast(d[0], half),
                "signed": cast(i, half) + small,
                "unsigned": cast(u, half) + small,
                "exp": tf.exp(small),
                "tanh": tf.tanh(small),
                "product": small @ tf.transpose(small),
            }.items()
        }
    return found | {
        "halves": cast(cast(x, tf.bfloat16) * 2, tf.float16) + cast(x, tf.float16),
        "quotient": i // (i * i + 1),
        "rest": i % (i * i + 1),
        "unsigned": u // (u + 1),
        "to_signed": cast(x, tf.int64),
        "to_unsigned": cast(d, tf.uint64),
        "of_signed": cast(i, tf.float32) + cast(cast(i, tf.float64), tf.float32),
        "of_unsigned": cast(u, tf.float32) + cast(cast(u, tf.float64), tf.float32),
        "rest_of_float": tf.math.floormod(x, x[0]),
        "rest_of_double": tf.math.floormod(d, d[0]),
        "rounded": tf.round(x),
        "rounded_double": tf.round(d),
        "power": tf.pow(x, x[0]),
        "power_of_double": tf.pow(d, d[0]),
        "whole_power": tf.pow(i, i[0] * i[0]),
        "sine": tf.sin(x),
        "sine_of_double": tf.sin(d),
        "angle": tf.atan2(x, x[0]),
        "gamma": tf.math.lgamma(x),
        "exponential": tf.math.expm1(d),
        "complex": tf.abs(tf.exp(tf.complex(x, x)) / (tf.complex(x, x) + 1)),
    }


@pytest.mark.parametrize("target", [target.name for target in TARGETS])
def test_objects_ask_for_nothing_that_might_be_missing(
    target: str, once: Once, tmp_path: Path
) -> None:
    dtypes = {"x": "float32", "d": "float64", "i": "int64", "u": "uint64"}
    save = function_save(conversions, **{n: ((4, 4), t) for n, t in dtypes.items()})
    machine = find_target(target)
    asked = _asked_of_others(machine, _frozen(once("conversions", save)), tmp_path)
    if machine.object_format == "macho":
        asked -= SINE_AND_COSINE
    assert asked - LIBM - LIBC - COMPILERS - BUILTINS == set()
    if machine.arch != "aarch64":
        assert {"__truncsfbf2", "__truncdfbf2"} <= asked


@functools.cache
def _frozen(path: Path) -> FrozenGraph:
    """The same for all targets."""
    return prepare(load_model(path), "serving_default", None).graph


def _asked_of_others(target: Target, graph: FrozenGraph, folder: Path) -> set[str]:
    asked: set[str] = set()
    with pipeline.start_server() as server:  # That of all tests of this process.
        written = write_graph(graph, folder, 1)
        for level in {target.levels[0], target.levels[-1]}:
            variant = tfcompile(
                *(graph, written, VariantKey(0, 0, level), target),
                *("m", folder / level.tag, server),
            )
            asked |= undefined_symbols(variant.object_file)
    return asked - {"_GLOBAL_OFFSET_TABLE_", "_fltused"}


HARNESS = """
#define TFN_NEEDS___truncsfbf2
#define TFN_NEEDS___truncdfbf2
#define TFN_NEEDS___truncsfhf2
#define TFN_NEEDS___truncdfhf2
#define TFN_NEEDS___extendhfsf2
#define TFN_NEEDS_roundeven
#define TFN_NEEDS_roundevenf
#include "builtins.h"
void narrow(int count, const float* x, const double* d, uint32_t* y) {
  for (int i = 0; i < count; ++i, y += 4) {
    y[0] = tfn_bits_of(__truncsfbf2(x[i]));
    y[1] = tfn_bits_of(__truncsfhf2(x[i]));
    y[2] = tfn_bits_of(__truncdfbf2(d[i]));
    y[3] = tfn_bits_of(__truncdfhf2(d[i]));
  }
}
void widen(float* y) {
  for (uint32_t i = 0; i < 65536; ++i) y[i] = __extendhfsf2(tfn_float_of(i));
}
void to_even(int count, const double* d, double* y, const float* x, float* z) {
  for (int i = 0; i < count; ++i) {
    y[i] = roundeven(d[i]);
    z[i] = roundevenf(x[i]);
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("builtins")
    source, output = folder / "harness.c", folder / "harness.so"
    source.write_text(HARNESS)
    flags = ["-O2", "-std=gnu11", "-shared", "-fPIC", f"-I{sources_dir()[0]}"]
    run(["cc", *flags, source, "-o", output])
    return ctypes.CDLL(str(output))


def pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def numbers() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Floats of all sizes, ties, and doubles that are just beside a tie."""
    rng = np.random.default_rng(8)
    bits = rng.integers(0, 1 << 32, 100_000, np.uint32)
    exponents = rng.integers(95, 150, 40_000).astype(np.uint32) << 23
    bits[:40_000] = bits[:40_000] & 0x807FFFFF | exponents
    bits[:10_000] &= 0xFFFF8000
    bits[10_000:20_000] &= 0xFFFFF000
    bits[-5_000:] &= 0x807FFFFF  # Denormal ones.
    x = bits.view(np.float32)
    x = x[np.isfinite(x)]
    beside = 1 + rng.integers(-2, 3, x.size) * 2.0**-50
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 65519.99, 65520.0, 3.4e38]
    return (
        np.concatenate([x, np.float32(special)]),
        np.concatenate([x.astype(np.float64) * beside, special]),
    )


def bfloat16_bits(x: NDArray[Any]) -> NDArray[np.uint16]:
    import ml_dtypes

    return x.astype(ml_dtypes.bfloat16).view(np.uint16)


def rounded_to_odd(d: NDArray[np.float64]) -> NDArray[np.float32]:
    """Doubles as floats from which they can be rounded again."""
    x = d.astype(np.float32)
    bits, wide = x.view(np.uint32).copy(), x.astype(np.float64)
    inexact = (wide != d) & ~np.isnan(d) & np.isfinite(d)
    bits[inexact & (np.abs(wide) > np.abs(d))] -= 1
    bits[inexact] |= 1
    return bits.view(np.float32)


def test_small_floats_are_the_nearest_ones(library: ctypes.CDLL) -> None:
    x, d = numbers()
    found = np.empty((x.size, 4), np.uint32)
    library.narrow(x.size, pointer(x), pointer(d), pointer(found))
    with np.errstate(over="ignore", invalid="ignore"):
        expected = [
            bfloat16_bits(x),
            x.astype(np.float16).view(np.uint16),
            bfloat16_bits(rounded_to_odd(d)),
            d.astype(np.float16).view(np.uint16),
        ]
    for place, bits in enumerate(expected):
        np.testing.assert_array_equal(found[:, place], bits)


def test_small_floats_are_widened_exactly(library: ctypes.CDLL) -> None:
    found = np.empty(1 << 16, np.float32)
    library.widen(pointer(found))
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(found, halves.astype(np.float32))


def test_halves_are_rounded_to_even(library: ctypes.CDLL) -> None:
    d = np.array([*np.arange(-20, 20) / 2, 0.3, -0.0, np.inf, np.nan, 2.0**52 - 0.5])
    x = d.astype(np.float32)
    of_d, of_x = np.empty_like(d), np.empty_like(x)
    library.to_even(d.size, pointer(d), pointer(of_d), pointer(x), pointer(of_x))
    np.testing.assert_array_equal(of_d, np.rint(d))
    np.testing.assert_array_equal(of_x, np.rint(x))
    assert np.array_equal(np.signbit(of_d), np.signbit(np.rint(d)))
