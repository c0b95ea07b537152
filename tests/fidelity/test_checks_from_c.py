# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is checked, told to programs in C and C++: without names, weights, or rows."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.turns import Once

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None,
        reason="TensorFlow, which compiles models, is not installed",
    ),
    pytest.mark.skipif(shutil.which("c++") is None, reason="c++ is not installed"),
]


def save(folder: Path) -> Path:
    """A row of a table that has no rows of the batch, and a division by those."""
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.Variable(np.arange(10, 30, dtype=np.int32))
    # Of numbers that are drawn, none is zero in thousandths, but padding is.
    x = tf.TensorSpec([None], tf.float32, name="x")
    at = tf.TensorSpec([], tf.int32, name="at")

    @tf.function(input_signature=[x, at])
    def quotient(x: Any, at: Any) -> Any:
        return {
            "y": 60000 // tf.cast(x * 1000.0, tf.int32),
            "of": tf.gather(module.table, at),
        }

    @tf.function(input_signature=[x])
    def divided(x: Any) -> Any:
        return {"y": 60000 // tf.cast(x * 1000.0, tf.int32), "table": module.table + 1}

    @tf.function(input_signature=[x, at])
    def shared(x: Any, at: Any) -> Any:
        return {"y": 60000 // tf.cast(x * 1000.0, tf.int32), "of": at + 1}

    tf.saved_model.save(
        module,
        str(folder),
        signatures={"quotient": quotient, "divided": divided, "shared": shared},
    )
    return folder


def build(once: Once) -> Path:
    """The artifact: minimal, its weights apart, with an archive."""
    return once(
        "fidelity/checks-from-c",
        lambda folder: tfnative.compile(
            save(folder / "model"),
            folder / "small",
            name="small",
            batch_sizes=[2, 4],
            cpus=["native"],
            minimal=True,
            weights="separate",
            static=True,
        ),
    )


C = """
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include "small.h"

static alignas(64) char weights[1 << 20], workspace[1 << 20];

int main(int count, char** path) {
  alignas(64) float x[2] = {3, 4};
  alignas(64) int32_t at = 1, y[2] = {0, 0}, of = 0;
  if (count != 2 || small_quotient_workspace_bytes(2) > sizeof workspace) return 1;
  int status;
#define RUN (status = small_quotient(2, &at, x, &of, y, workspace))
  printf("%d ", (int)RUN);
  FILE* file = fopen(path[1], "rb");
  const size_t bytes = fread(weights, 1, sizeof weights, file);
  fclose(file);
  printf("%d ", (int)small_bind_weights(weights, bytes));
  RUN;
  printf("%d:%d,%d,%d ", status, (int)y[0], (int)y[1], (int)of);
  x[1] = 0;
  printf("%d ", (int)RUN);
  x[1] = 5, at = 20;
  printf("%d ", (int)RUN);
  at = 19;
  RUN;
  printf("%d:%d,%d,%d", status, (int)y[0], (int)y[1], (int)of);
  return 0;
}
"""


@pytest.mark.parametrize("library", ["libsmall.a", "libsmall.so"])
def test_a_minimal_artifact_returns_that_a_check_failed(
    once: Once, tmp_path: Path, library: str
) -> None:
    artifact = build(once)
    (tmp_path / "main.c").write_text(C)
    told = run("cc", "-std=c11", artifact, library, tmp_path / "main.c")
    assert told == "-2 0 0:20,15,11 -6 -6 0:20,12,29"


CPP = """
#include <cstdio>
#include <vector>
#include "small.hpp"

int main(int, char** path) {
  alignas(64) static char weights[1 << 20];
  std::FILE* const file = std::fopen(path[1], "rb");
  const std::size_t bytes = std::fread(weights, 1, sizeof weights, file);
  std::fclose(file);
  if (small_bind_weights(weights, bytes) != 0) return 1;
  const float none = 0;
  std::int32_t at = 3, y = -1, of = -1;
  small::quotient quotient;
  small::shared shared;
  small::divided divided;
  std::int32_t table[20] = {};
  int status = shared.try_predict(0, &at, &none, &of, &y);
  std::printf("%d:%d ", status, (int)of);
  status = divided.try_predict(0, &none, table, &y);
  std::printf("%d:%d ", status, (int)table[19]);
  at = 20;
  std::printf("%d ", (int)quotient.try_predict(0, &at, &none, &of, &y));
  float x[3] = {1, 2, 0};
  std::int32_t quotients[3];
  at = 3;
  std::printf("%d ", (int)shared.try_predict(3, &at, x, &of, quotients));
  x[2] = 3.0f;
  status = shared.try_predict(3, &at, x, &of, quotients);
  std::printf("%d:%d", status, (int)quotients[2]);
  return 0;
}
"""


def test_in_cpp_padding_fails_no_check_where_there_are_no_rows(
    once: Once, tmp_path: Path
) -> None:
    artifact = build(once)
    (tmp_path / "main.cc").write_text(CPP)
    told = run("c++", "-std=c++11", artifact, "libsmall.a", tmp_path / "main.cc")
    assert told == "0:4 0:30 -6 -6 0:20"


def run(
    compiler: str, standard: str, artifact: Path, library: str, source: Path
) -> str:
    """What a program prints that is given the file with the weights."""
    program = source.with_suffix("")
    flags = [standard, "-Wall", "-Wextra", "-Werror", f"-I{artifact / 'include'}"]
    linked = [artifact / library, "-lm", f"-Wl,-rpath,{artifact}"]
    subprocess.run([compiler, *flags, source, *linked, "-o", program], check=True)
    done = subprocess.run(
        [program, artifact / "small.weights"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
