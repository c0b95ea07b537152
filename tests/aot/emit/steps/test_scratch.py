# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The compiler knows as many bytes of scratch as kernels.h."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.aot.emit.example_programs import convolution, dot, program
from tests.aot.emit.quantized_steps import product, step
from tfnative_aot.emit.steps.scratch import scratch_of, thread_bytes
from tfnative_aot.freeze.quantized import Window
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.toolchain import sources_dir
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.steps import (
    Call,
    CombinedSuppression,
    Sort,
    Source,
    Step,
    Suppression,
    TopK,
)

SOURCE = Source("hlo.1")
NOWHERE = Slice(3, 0, 16)


def random_steps() -> Iterator[Step]:
    """Steps that need scratch, of sizes around those where rules change."""
    numbers = random.Random(1)
    sizes = (1, 2, 15, 16, 17, 64, 95, 96, 97, 340, 341, 342, 1000, 4096, 5000)

    def size() -> int:
        return numbers.choice(sizes)

    for _ in range(20):
        yield replace(dot(), batch=size(), m=size(), n=size(), k=size())
        yield Sort(SOURCE, "less", 1, size(), 1, ())
        yield TopK(SOURCE, 1, size(), 1, NOWHERE, NOWHERE, None)
        yield Suppression(SOURCE, size(), size(), *(NOWHERE,) * 3)
        yield CombinedSuppression(
            *(SOURCE, 2, size(), 1, numbers.randint(1, 40), size(), 5, False),
            *(NOWHERE,) * 3,
        )
        yield from random_quantized(numbers, size())
        for kernel in ("packed", "depthwise", "winograd"):
            channels = size()
            yield replace(
                convolution(kernel),
                batch=numbers.randint(1, 9),
                in_channels=channels,
                out_channels=channels if kernel == "depthwise" else size(),
                groups=channels if kernel == "depthwise" else 1,
                out_size=(1, numbers.randint(1, 30), numbers.randint(1, 30)),
                kernel_size=(1, numbers.randint(1, 25), numbers.randint(1, 25)),
            )


def random_quantized(numbers: random.Random, channels: int) -> Iterator[Step]:
    """A product in 8 bits, and a depthwise one."""

    def some(most: int) -> int:
        return numbers.randint(1, most)

    for groups in (1, max(channels, 2)):
        kernel = (some(11), some(11))
        window = Window(
            (1, 40, 40),
            (1, some(30), some(30)),
            (1, *kernel),
            (1, some(3), some(3)),
            dilation=(1, some(3), some(3)),
        )
        # As many weights as of few channels are enough of groups.
        of_group = 1 if groups > 1 else min(channels, 64)
        yield step(product(kernel, of_group * groups, groups, window), some(9))


def test_numbers_are_those_of_the_macros(tmp_path: Path):
    lines = ['#include "program.h"']
    for each in random_steps():
        scratch = scratch_of(each)
        assert scratch is not None
        value = f"{scratch.fixed}u + {scratch.pointers}u * sizeof(void*)"
        lines.append(f'_Static_assert({scratch.text} == {value}, "{scratch.text}");')
    source = tmp_path / "scratch.c"
    source.write_text("\n".join(lines) + "\n")
    kernels, headers = sources_dir()
    command = [*find_toolchain().cc, "-fsyntax-only", "-std=c11", "-DTFN_LEVEL=v2"]
    command += [f"-I{kernels}", f"-I{headers}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(lines) == 201


def test_other_steps_need_none():
    for each in (dot(packed=True), dot("f64"), convolution("any")):
        assert scratch_of(each) is None


def test_a_thread_needs_as_much_as_the_step_that_needs_most():
    small = TopK(SOURCE, 1, 10, 1, NOWHERE, NOWHERE, None)
    large = TopK(SOURCE, 1, 100, 1, NOWHERE, NOWHERE, None)
    assert thread_bytes(program(small), 8) == 128
    assert thread_bytes(program(small, Call(SOURCE, (large,))), 8) == 1216
    assert thread_bytes(program(), 8) == 64
