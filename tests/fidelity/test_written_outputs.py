# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every output is written on every path, from C and C++ as well."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.fidelity import edges
from tests.fidelity.edges import SIGNATURES, inputs_of, rows_of
from tests.models import ZOO, ModelCase
from tests.turns import Once
from tfnative import Model
from tfnative._signature import Signature

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow, which compiles models, is not installed",
)

needs_compiler = pytest.mark.skipif(
    shutil.which("c++") is None, reason="c++ is not installed"
)
needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
POISONS = (0xA5, 0x5A)
ROOT = Path(__file__).resolve().parents[2]
Compile = Callable[..., Path]


@pytest.fixture(scope="module")
def artifact(once: Once) -> Path:
    """The model of edges.py."""
    return edges.build(once)


# --- C++ ------------------------------------------------------------------------------


def program(model: Model) -> str:
    """Runs each signature by its class for all numbers of rows, with each poison."""
    calls = [
        _call(model, name, rows, poison)
        for poison in POISONS
        for name in SIGNATURES
        for rows in (*rows_of(name), *refused_rows(name))
    ]
    return f"""\
#include <cstdio>
#include <cstring>

#include "edges.hpp"

int main() {{
  static char in[4096], out[4096];
{"".join(calls)}  return 0;
}}
"""


def refused_rows(signature: str) -> tuple[int, ...]:
    """No rows, where that is refused."""
    return () if 0 in rows_of(signature) else (0,)


def _call(model: Model, name: str, rows: int, poison: int) -> str:
    signature = model.signature(name)
    at, lines = 0, []
    feeds = inputs_of(name, rows)
    for tensor in signature.inputs:
        array = feeds[tensor]
        numbers = ", ".join(f"{value}f" for value in array.ravel()) or "0"
        lines.append(
            f"{{ static const float {tensor}[] = {{{numbers}}}; "
            f"std::memcpy(in + {at}, {tensor}, {array.nbytes}); }}"
        )
        at += 1024
    parameters = [
        f"reinterpret_cast<const float*>(in + {1024 * i})"
        for i in range(len(signature.inputs))
    ]
    for i, spec in enumerate(signature.outputs.values()):
        kinds = {"float32": "float", "int32": "int32_t", "int64": "int64_t"}
        kind = kinds.get(spec.dtype.name, "uint8_t")
        parameters.append(f"reinterpret_cast<{kind}*>(out + {512 * i})")
    body = "\n    ".join(lines)
    return f"""  {{
    std::memset(out, {poison}, sizeof out);
    {body}
    edges::{name} model;
    const std::int32_t status = model.try_predict({rows}, {", ".join(parameters)});
    std::fwrite(&status, 4, 1, stdout);
    std::fwrite(out, 1, sizeof out, stdout);
  }}
"""


@needs_compiler
def test_classes_in_c_plus_plus_write_what_the_model_gives_and_nothing_else(
    artifact: Path, tmp_path: Path
) -> None:
    source = tmp_path / "run.cc"
    with tfnative.load(artifact) as model:
        source.write_text(program(model))
        build = ["c++", "-std=c++11", "-Wall", "-Wextra", "-Werror"]
        build += [f"-I{artifact / 'include'}", str(source)]
        build += [str(artifact / "libedges.a"), "-o", str(tmp_path / "run"), "-lm"]
        subprocess.run(build, check=True)
        found = subprocess.run([tmp_path / "run"], capture_output=True, check=True)
        data, at = found.stdout, 0
        for poison in POISONS:
            for name in SIGNATURES:
                for rows in rows_of(name):
                    expected = _expected(model, name, rows, poison)
                    assert data[at : at + 4] == bytes(4), (name, rows)
                    assert data[at + 4 : at + 4100] == expected, (name, rows)
                    at += 4100
                for _ in refused_rows(name):
                    status = int.from_bytes(data[at : at + 4], "little", signed=True)
                    assert status == (-101 if name == "mixed_sum" else -7), name
                    assert data[at + 4 : at + 4100] == bytes([poison]) * 4096
                    at += 4100
    assert at == len(data)


def _expected(model: Model, name: str, rows: int, poison: int) -> bytes:
    memory = bytearray([poison]) * 4096
    outputs = model.predict(inputs_of(name, rows), signature=name)
    for i, output in enumerate(model.signature(name).outputs):
        data = outputs[output].tobytes()
        memory[512 * i : 512 * i + len(data)] = data
    return bytes(memory)


# --- Valgrind -------------------------------------------------------------------------


def build_runner(artifact: Path, name: str, program: Path) -> None:
    """Links cpp/runner with an archive, so that memory begins without a value."""
    include = ROOT / "cpp" / "include"
    source = ROOT / "cpp" / "runner" / "run_artifact.c"
    flags = [f"-I{include}", f"-DTFN_ARTIFACT={name}_artifact", "-DTFN_UNFILLED"]
    archive = str(artifact / f"lib{name}.a")
    command = ["cc", "-g", *flags, str(source), archive, "-o", str(program), "-lm"]
    subprocess.run(command, check=True)


def expect_clean(program: Path, index: int, variant: int, given: bytes) -> None:
    """Holds if memcheck finds nothing: outputs that are written are looked at."""
    command = ["valgrind", "--quiet", "--error-exitcode=9", str(program)]
    done = subprocess.run(
        [*command, str(index), str(variant)],
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def as_stdin(signature: Signature, feeds: dict[str, Any]) -> bytes:
    return b"".join(np.ascontiguousarray(feeds[n]).tobytes() for n in signature.inputs)


@pytest.mark.slow
@needs_valgrind
@needs_compiler
def test_valgrind_finds_no_output_that_was_not_written(
    artifact: Path, tmp_path: Path
) -> None:
    build_runner(artifact, "edges", tmp_path / "run")
    with tfnative.load(artifact) as model:
        signatures = dict(model.signatures)
    for index, (name, signature) in enumerate(signatures.items()):
        for variant, rows in enumerate(edges.BATCH_SIZES):
            given = as_stdin(signature, inputs_of(name, rows))
            expect_clean(tmp_path / "run", index, variant, given)


@pytest.mark.slow
@needs_valgrind
@needs_compiler
@pytest.mark.parametrize(
    "case", [ZOO[name] for name in ("reductions", "sort", "cond", "lstm")], ids=str
)
def test_valgrind_finds_nothing_in_kernels(
    case: ModelCase, compiled: Compile, tmp_path: Path
) -> None:
    options = {**case.options(), "cpus": [edges.LEVEL], "static": True}
    artifact = compiled(case, "checked", **options)
    build_runner(artifact, "checked", tmp_path / "run")
    with tfnative.load(artifact) as model:
        signature = model.signature()
    feeds = case.inputs(3, np.random.default_rng(5))
    expect_clean(tmp_path / "run", 0, 1, as_stdin(signature, feeds))
