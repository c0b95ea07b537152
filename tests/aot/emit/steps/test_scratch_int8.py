# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The compiler knows as many bytes of scratch as quantized.h."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

from tfnative_aot.emit.steps.scratch_int8 import conv_int8_scratch
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.toolchain import sources_dir

PIXELS = (1, 23, 24, 25, 95, 96, 97, 10**6)
PLACES = (1, 9, 27)
CHANNELS = (1, 3, 64, 151, 152, 455, 512, 1365, 1366, 4096, 4097, 66311)


def test_numbers_are_those_of_the_macros(tmp_path: Path) -> None:
    lines = ["#define TFN_LEVEL any", '#include "kernels.h"']
    for sizes in itertools.product(PIXELS, PLACES, CHANNELS):
        scratch = conv_int8_scratch(*sizes)
        assert scratch.pointers == 0
        lines.append(
            f'_Static_assert({scratch.text} == {scratch.fixed}u, "{scratch.text}");'
        )
    source = tmp_path / "scratch.c"
    source.write_text("\n".join(lines) + "\n")
    kernels, include = sources_dir()
    compiler = [*find_toolchain().cc, "-fsyntax-only", "-Wall", "-Werror"]
    subprocess.run(
        [*compiler, f"-I{kernels}", f"-I{include}", source], check=True, timeout=60
    )
