# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small programs: without exceptions, with pkg-config, static, with several models."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.consumers.programs import ROWS, run
from tests.models import ZOO

Compile = Callable[..., Path]
STRICT = "-Wall -Wextra -Wpedantic -Wshadow -Werror".split()
ZIG = (sys.executable, "-m", "ziglang")
KB = 1024
LARGEST_PROGRAM = 150 * KB
"""Of the small MLP, with all that it needs."""

WITHOUT_EXCEPTIONS = """\
#include <cstdio>
#include "digits.hpp"
float images[3 * 64], probabilities[3 * 10];
int main() {
  if (std::fread(images, sizeof images, 1, stdin) != 1) return 9;
  digits::serving_default model;
  if (model.try_predict(digits::span<const float>(images),
                        digits::span<float>(probabilities)) != 0)
    return 8;
  if (model.try_predict(digits::span<const float>(images, 64),
                        digits::span<float>(probabilities)) != digits::wrong_size)
    return 7;
  if (model.try_predict(-1, images, probabilities) != digits::wrong_size) return 6;
  return std::fwrite(probabilities, sizeof probabilities, 1, stdout) == 1 ? 0 : 5;
}
"""

IN_C = """\
#include <stdio.h>
#include "NAME.h"
static _Alignas(64) float in[NAME_SERVING_DEFAULT_IN_ELEMENTS];
static _Alignas(64) float out[64];
static _Alignas(64) char workspace[1 << 16];
int main(void) {
  if (NAME_serving_default_workspace_bytes(1) > sizeof workspace) return 9;
  if (fread(in, sizeof in, 1, stdin) != 1) return 8;
  int32_t status = NAME_serving_default(1, in, out, workspace);
  if (status != 0) return 7;
  fwrite(out, sizeof(float), NAME_SERVING_DEFAULT_OUT_ELEMENTS, stdout);
  return 0;
}
"""

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason='needs the compiler of "tfnative[cross]"',
)


def output_of(program: Path, data: bytes) -> np.ndarray:
    done = subprocess.run([program], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done
    return np.frombuffer(done.stdout, np.float32)


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_cpp_without_exceptions(
    digits: Path, images: Path, tmp_path: Path, standard: str
) -> None:
    source, program = tmp_path / "main.cc", tmp_path / "main"
    source.write_text(WITHOUT_EXCEPTIONS)
    run(
        *("c++", f"-std={standard}", "-fno-exceptions", "-fno-rtti", *STRICT),
        *("-I", digits / "include", source, digits / "libdigits.a", "-lm"),
        *("-o", program),
    )
    inputs = np.fromfile(images, np.float32)[: 3 * 64].reshape(3, 8, 8, 1)
    expected = tfnative.load(digits).predict(inputs)
    found = output_of(program, inputs.tobytes()).reshape(3, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_header_of_c_is_c99_and_cpp(digits: Path, tmp_path: Path) -> None:
    for name, compiler in (("main.c", ("cc", "-std=c99")), ("main.cc", ("c++",))):
        source = tmp_path / name
        source.write_text('#include "digits.h"\nint unused_;\n')
        run(*compiler, *STRICT, "-fsyntax-only", "-I", digits / "include", source)
    text = (digits / "include" / "digits.h").read_text()
    assert "namespace" not in text


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="needs pkg-config")
def test_pkg_config_finds_it_wherever_it_is(
    digits: Path, images: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved here" / "digits"
    shutil.copytree(digits, moved)
    plain = tmp_path / "digits"
    plain.symlink_to(moved)
    (moved / "libdigits.so").unlink()
    command = ["pkg-config", "--static", "--define-prefix", "--cflags", "--libs"]
    where = plain / "lib" / "pkgconfig"
    flags = run("env", f"PKG_CONFIG_PATH={where}", *command, "digits").split()
    source, program = tmp_path / "main.cc", tmp_path / "main"
    source.write_text(WITHOUT_EXCEPTIONS)
    run("c++", source, *flags, "-o", program)
    inputs = np.fromfile(images, np.float32)[: 3 * 64]
    assert output_of(program, inputs.tobytes()).shape == (30,)
    assert ROWS >= 3


@needs_zig
@pytest.mark.skipif(
    os.environ.get("TFNATIVE_ALL_MACHINES", "") != "1",
    reason="zig compiles a C library first, for a minute: TFNATIVE_ALL_MACHINES=1",
)
@pytest.mark.slow
def test_a_small_model_makes_a_small_static_program(
    compiled: Compile, tmp_path: Path
) -> None:
    options = {"target": "linux-x86_64-musl", "cpus": ["x86-64-v3"], "minimal": True}
    artifact = compiled(ZOO["mlp"], "mlp", **options)
    header = (artifact / "include" / "mlp.h").read_text()
    names = [
        line.split()[1] for line in header.splitlines() if line.endswith("per row */")
    ]
    text = IN_C.replace("NAME_SERVING_DEFAULT_IN_ELEMENTS", names[0])
    text = text.replace("NAME_SERVING_DEFAULT_OUT_ELEMENTS", names[1])
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text(text.replace("NAME", "mlp"))
    run(
        *(*ZIG, "cc", "-fPIC", "-target", "x86_64-linux-musl", "-std=c11", "-O2"),
        *("-static", "-Wl,--gc-sections", "-I", artifact / "include", source),
        *(artifact / "libmlp.a", "-o", program),
    )
    # With -s or without -fPIC, zig would compile all of musl once more.
    run("strip", program)
    assert program.stat().st_size < LARGEST_PROGRAM
    x = np.ones((1, 32), np.float32)
    model = tfnative.load(compiled(ZOO["mlp"], "here", cpus=["native"]))
    (expected,) = model.predict({next(iter(model.signature().inputs)): x}).values()
    found = output_of(program, x.tobytes())
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-4, atol=1e-6)


def test_models_share_a_program(
    digits: Path, images: Path, compiled: Compile, tmp_path: Path
) -> None:
    options = {"cpus": ["native"], "static": True}
    other = compiled(ZOO["digits_cnn"], "other", **options)
    source, program = tmp_path / "main.cc", tmp_path / "main"
    source.write_text(
        '#include <cstdio>\n#include "digits.hpp"\n#include "other.hpp"\n'
        "float images[64], a[10], b[10];\n"
        "int main() {\n"
        "  if (std::fread(images, sizeof images, 1, stdin) != 1) return 9;\n"
        "  digits::serving_default first;\n"
        "  other::serving_default second;\n"
        "  first.predict(1, images, a);\n"
        "  second.predict(1, images, b);\n"
        "  std::fwrite(a, sizeof a, 1, stdout);\n"
        "  std::fwrite(b, sizeof b, 1, stdout);\n"
        "}\n"
    )
    run(
        *("c++", "-I", digits / "include", "-I", other / "include", source),
        *(digits / "libdigits.a", other / "libother.a", "-lm", "-o", program),
    )
    found = output_of(program, np.fromfile(images, np.float32)[:64].tobytes())
    np.testing.assert_array_equal(found[:10], found[10:])
