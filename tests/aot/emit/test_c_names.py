# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names that reach C and C++: any will do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from tfnative.errors import InvalidArgumentError
from tfnative_aot.emit.c_names import (
    c_identifier,
    check_name,
    function_identifier,
    is_reserved,
)
from tfnative_aot.emit.header import emit_header
from tfnative_aot.emit.header_hpp import emit_cpp_header
from tfnative_aot.emit.interface import Interface, Signature, Tensor
from tfnative_aot.machines.targets import host_target

C_HEADERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp "
    "signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn "
    "string time uchar wchar wctype"
).split()
CPP_HEADERS = (
    "algorithm cmath cstddef cstdint cstdio cstdlib cstring memory new stdexcept "
    "string utility vector"
).split()
ODD = ["in", "out", "NULL", "EOF", "std", "int32_t", "linux", "I", "class", "*/ /*"]


def test_tensor_names_become_unique_identifiers() -> None:
    taken: set[str] = set()
    names = ["a/b", "a-b", "0", "int", "_x", "größe", "rows", "A_B"]
    made = [c_identifier(name, taken) for name in names]
    assert made == ["a_b", "a_b_2", "t_0", "t_int", "t_x", "gr__e", "t_rows", "t_A_B"]


def test_names_that_differ_in_capitals_make_different_macros() -> None:
    taken: set[str] = set()
    assert [c_identifier(name, taken) for name in ("x", "X")] == ["x", "X_2"]


def test_the_second_function_of_a_signature_has_a_name_of_its_own() -> None:
    taken: set[str] = set()
    names = ["a", "a_workspace_bytes", "b_workspace_bytes", "b"]
    made = [function_identifier(name, taken) for name in names]
    functions = [*made, *(f"{name}_workspace_bytes" for name in made)]
    assert len(set(functions)) == len(functions)


@pytest.mark.parametrize("name", ["", "2fast", "a-b", "class", "lambda", "x" * 80, "ä"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--name"):
        check_name(name)


def test_a_good_name_is_kept() -> None:
    assert check_name("digits_v2") == "digits_v2"


def interface(names: list[str], signatures: list[str]) -> Interface:
    functions: set[str] = {"artifact", "bind_weights"}
    made = []
    for signature in signatures:
        taken: set[str] = set()
        tensors = tuple(
            Tensor(name, c_identifier(name, taken), "int64", (-1, 2)) for name in names
        )
        c_name = function_identifier(signature, functions)
        output = Tensor("y", c_identifier("y", taken), "int64", (-1, 2))
        made.append(Signature(signature, c_name, tensors, (output,), (1, 4), True))
    return Interface("model", host_target(), tuple(made))


def check_headers(of: Interface, folder: Path) -> None:
    """Both compile behind all standard headers, without a warning."""
    (folder / "model.h").write_text(emit_header(of))
    (folder / "model.hpp").write_text(emit_cpp_header(of))
    flags = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    for compiler, standard, headers, own in (
        ("cc", "-std=gnu11", [f"{name}.h" for name in C_HEADERS], "model.h"),
        ("c++", "-std=gnu++17", CPP_HEADERS, "model.hpp"),
    ):
        lines = [*(f"#include <{name}>" for name in headers), f'#include "{own}"']
        source = folder / f"all{'.c' if compiler == 'cc' else '.cc'}"
        source.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            [compiler, standard, *flags, str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]


needs_compilers = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("c++") is None,
    reason="needs a C and a C++ compiler",
)


@needs_compilers
def test_headers_take_odd_names(tmp_path: Path) -> None:
    check_headers(interface(ODD, [*ODD, "a", "A", "a_workspace_bytes"]), tmp_path)


@pytest.mark.slow
@needs_compilers
@settings(max_examples=10)
@given(
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True),
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3, unique=True),
)
def test_headers_take_any_name(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], signatures: list[str]
) -> None:
    check_headers(interface(names, signatures), tmp_path_factory.mktemp("names"))


@needs_compilers
def test_no_macro_of_a_standard_header_is_taken_for_a_name() -> None:
    includes = "\n".join(f"#include <{name}.h>" for name in C_HEADERS)
    done = subprocess.run(
        ["cc", "-std=gnu11", "-dM", "-E", "-x", "c", "-"],
        input=includes,
        capture_output=True,
        text=True,
        check=True,
    )
    macros = re.findall(r"^#define ([A-Za-z]\w*)", done.stdout, re.MULTILINE)
    assert len(macros) > 500
    assert [name for name in macros if not is_reserved(name)] == []
