# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A compiled model, and the means to build programs against it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.consumers.programs import ROOT, ROWS, run
from tests.models import ZOO
from tests.turns import Once

Compile = Callable[..., Path]
Build = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    for tool in ("cmake", "c++", "cc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="session")
def digits(compiled: Compile) -> Path:
    """The artifact "digits", compiled for this CPU, with an archive."""
    options = {"batch_sizes": (1, 8, 32), "cpus": ["native"], "static": True}
    return compiled(ZOO["digits_cnn"], "digits", **options)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw float32 images, for programs to read."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("images") / "images.f32"
    rng.standard_normal((ROWS, 8, 8, 1)).astype("<f4").tofile(path)
    return path


@pytest.fixture(scope="session")
def classes(digits: Path, images: Path) -> list[int]:
    """What Python takes the images for."""
    inputs = np.fromfile(images, np.float32).reshape(ROWS, 8, 8, 1)
    outputs = tfnative.load(digits).predict({"image": inputs})
    found: list[int] = outputs["probabilities"].argmax(axis=1).tolist()
    return found


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Configures and builds a CMake project; returns its build folder."""

    def build(source: Path, prefix: Path, *options: str) -> Path:
        folder = tmp_path_factory.mktemp(source.name)
        run(
            "cmake",
            "-S",
            source,
            "-B",
            folder,
            f"-DCMAKE_PREFIX_PATH={prefix}",
            *options,
        )
        run("cmake", "--build", folder)
        return folder

    return build


@pytest.fixture(scope="session")
def sdk(once: Once) -> Path:
    """The C++ run time as `cmake --install --component sdk` leaves it.

    Not optimized, and with precompiled headers, as tests of C++ have them: programs
    only have to find it, and it compiles in half the time.
    """

    def install(folder: Path) -> Path:
        binary, prefix = folder / "build", folder / "prefix"
        options = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG"]
        options += ["-DTFNATIVE_BUILD_TESTS=OFF", "-DTFNATIVE_PRECOMPILE_HEADERS=ON"]
        run("cmake", "-S", ROOT, "-B", binary, *options)
        run("cmake", "--build", binary, "--parallel", "2")
        run("cmake", "--install", binary, "--component", "sdk", "--prefix", prefix)
        return prefix

    return once("sdk", install)
