# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact can be built of where its target's compiler is.

copy sources/ there; cmake -B build && cmake --build build
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tfnative.manifest import Manifest
from tfnative_aot.artifact.package import Parts, emit_entry_points, program_source
from tfnative_aot.link.kernels import KERNEL_FLAGS, SMALL, kernels_digest
from tfnative_aot.link.toolchain import COMMON_FLAGS, sources_dir


def write_source_package(
    parts: Parts, manifest: Manifest, output: Path, *, small: bool
) -> None:
    """Writes ``sources/`` of an artifact: XLA's objects, C, kernels, CMakeLists.txt.

    Args:
        parts: Of the artifact.
        manifest: The last one.
        output: The artifact's folder.
        small: Whether kernels for fewer bits than float32's are among them.
    """
    output.mkdir(parents=True, exist_ok=True)
    emit_entry_points(parts, manifest)
    folder = output / "sources"
    shutil.copytree(
        parts.folder,
        folder,
        ignore=lambda path, names: [
            name
            for name in names
            if name.endswith(".o") and not name.startswith("xla_")
        ],
    )
    kernels, headers = sources_dir()
    others = shutil.ignore_patterns(*(() if small else SMALL))
    shutil.copytree(kernels, folder / "kernels", ignore=others)
    shutil.copytree(headers / "tfnative", folder / "include" / "tfnative")
    (folder / "CMakeLists.txt").write_text(_cmake_lists(parts))
    if parts.interface.weights_apart:
        name = f"{parts.interface.name}.weights"
        shutil.copyfile(parts.folder / "weights.bin", output / name)
    (output / "manifest.json").write_text(manifest.to_json())


def _cmake_lists(parts: Parts) -> str:
    name = parts.interface.name
    digest = kernels_digest(sources_dir()[0], parts.interface.target.name)[:8]
    common = " ".join(flag for flag in COMMON_FLAGS if flag != "-g0")
    kernel = " ".join(KERNEL_FLAGS)
    levels = "\n".join(
        f"""\
add_library({name}_{level.tag} OBJECT ${{kernels}} {program_source(level)})
target_compile_definitions({name}_{level.tag} PRIVATE TFN_LEVEL={level.tag}_{digest})
target_compile_options({name}_{level.tag} PRIVATE {" ".join(level.compiler_flags)})
"""
        for level in parts.levels
    )
    tags = [f"{name}_{level.tag}" for level in parts.levels]
    objects = "\n  ".join(f"$<TARGET_OBJECTS:{tag}>" for tag in tags)
    xla = "\n  ".join(f"${{CMAKE_CURRENT_SOURCE_DIR}}/{o.name}" for o in parts.objects)
    return f"""\
# The model {name}, compiled by tfnative for {parts.interface.triple}: XLA's code as
# objects, the rest as sources, for GCC or Clang. Builds lib{name}.a; with
# -DBUILD_SHARED_LIBS=ON a shared library.
cmake_minimum_required(VERSION 3.16)
project({name} C CXX ASM)

file(GLOB_RECURSE kernels CONFIGURE_DEPENDS kernels/*.cc)
add_compile_options(
  {common}
  "$<$<COMPILE_LANGUAGE:C>:-std=gnu11>"
  "$<$<COMPILE_LANGUAGE:CXX>:{kernel.replace(" ", ";")}>")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include_directories(${{CMAKE_CURRENT_SOURCE_DIR}} kernels include)

{levels}
add_library({name}
  artifact.c
  data.S
  {objects}
  {xla})
target_compile_definitions({name} PRIVATE TFN_LEVEL={parts.levels[0].tag})
set_source_files_properties(data.S PROPERTIES
  OBJECT_DEPENDS "${{CMAKE_CURRENT_SOURCE_DIR}}/weights.bin")
target_include_directories({name} INTERFACE ${{CMAKE_CURRENT_SOURCE_DIR}}/../include)
if(UNIX)
  target_link_libraries({name} PRIVATE m)
endif()
"""
