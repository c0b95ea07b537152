# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow does not find of CUDA is open when it asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAME = "libcusolver.so.0"  # No system has it.
OPENED = f"""\
import ctypes
from tfnative._backends.tensorflow.cuda import open_cuda
open_cuda()
try:
    ctypes.CDLL({NAME!r})
except OSError:
    print("not found")
else:
    print("found")
"""


def library(path: Path) -> None:
    """A shared library without content, which is known by the name of its file."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f"-Wl,-soname,{path.name}"
    command = [compiler, "-shared", "-nostdlib", name, "-x", "c", "/dev/null"]
    subprocess.run([*command, "-o", path], check=True)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with what pip installs for GPUs, so far as it matters."""
    folder = tmp_path / "packages"
    library(folder / "nvidia" / "cusolver" / "lib" / NAME)
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").touch()
    (folder / "tensorflow" / "libtensorflow_cc.so.2").touch()
    return folder


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A path of libraries, with NVIDIA's driver."""
    library(tmp_path / "driver" / "libcuda.so.1")
    paths = (str(tmp_path / "driver"), os.environ.get("LD_LIBRARY_PATH", ""))
    return os.pathsep.join(filter(None, paths))


def test_cusolver_is_found_beside_tensorflow(packages: Path, driver: str, run_python):
    code = f"import sys\nsys.path.insert(0, {str(packages)!r})\n{OPENED}"
    assert run_python(code, LD_LIBRARY_PATH=driver) == "found\n"


def test_it_is_not_opened_for_another_library(packages: Path, driver: str, run_python):
    code = f"import sys\nsys.path.insert(0, {str(packages)!r})\n{OPENED}"
    named = {"LD_LIBRARY_PATH": driver, "TFNATIVE_LIBTENSORFLOW": "libtensorflow.so.2"}
    assert run_python(code, **named) == "not found\n"


def test_a_file_that_is_no_library_does_no_harm(
    packages: Path, driver: str, run_python
):
    (packages / "nvidia" / "cusolver" / "lib" / NAME).write_text("no library")
    code = f"import sys\nsys.path.insert(0, {str(packages)!r})\n{OPENED}"
    assert run_python(code, LD_LIBRARY_PATH=driver) == "not found\n"
