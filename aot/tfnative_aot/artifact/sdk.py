# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What programs in C and C++ need of an artifact, beside its libraries."""

from __future__ import annotations

import shutil
from pathlib import Path

from tfnative._version import __version__
from tfnative_aot.emit.bazel import emit_build_file
from tfnative_aot.emit.cmake import emit_cmake_config, emit_pkg_config
from tfnative_aot.emit.header import emit_header
from tfnative_aot.emit.header_hpp import emit_cpp_header
from tfnative_aot.emit.interface import Interface
from tfnative_aot.link.toolchain import sources_dir


def write_sdk(
    interface: Interface, output: Path, *, has_shared: bool, has_static: bool
) -> None:
    """Writes the headers, and what build systems find the libraries with."""
    name = interface.name
    include = output / "include"
    include.mkdir(parents=True)
    (include / f"{name}.h").write_text(emit_header(interface))
    (include / f"{name}.hpp").write_text(emit_cpp_header(interface))
    if not interface.is_minimal:
        (include / "tfnative").mkdir()
        abi = sources_dir()[1] / "tfnative" / "abi.h"
        shutil.copyfile(abi, include / "tfnative" / "abi.h")
    cmake = output / "lib" / "cmake" / name
    cmake.mkdir(parents=True)
    (cmake / f"{name}-config.cmake").write_text(
        emit_cmake_config(interface, has_shared=has_shared, has_static=has_static)
    )
    pkg_config = output / "lib" / "pkgconfig"
    pkg_config.mkdir()
    (pkg_config / f"{name}.pc").write_text(emit_pkg_config(interface, __version__))
    shared = interface.target.shared_library(name) if has_shared else None
    (output / "BUILD.bazel").write_text(
        emit_build_file(interface, static=has_static, shared_library=shared)
    )
