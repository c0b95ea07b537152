# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What finds an artifact: NAME-config.cmake for CMake, NAME.pc for pkg-config."""

from __future__ import annotations

from tfnative_aot.emit.interface import Interface


def emit_cmake_config(
    interface: Interface, *, has_shared: bool, has_static: bool
) -> str:
    """The text of lib/cmake/NAME/NAME-config.cmake.

    It defines NAME::shared and NAME::static, as far as they are there, and NAME::NAME:
    the shared one if there is one.
    """
    name = interface.name
    text = f"""\
# The model {name}, compiled by tfnative for {interface.triple}.
#   find_package({name})           with CMAKE_PREFIX_PATH at the artifact's folder
#   target_link_libraries(app PRIVATE {name}::{name})    # or {name}::static
get_filename_component(_root "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
"""
    if has_shared:
        library = interface.target.shared_library(name)
        place = f'IMPORTED_LOCATION "${{_root}}/{library}"'
        if interface.target.system == "windows":
            place += f'\n    IMPORTED_IMPLIB "${{_root}}/{name}.lib"'
        text += _imported(f"{name}::shared", "SHARED", place)
    if has_static:
        place = f'IMPORTED_LOCATION "${{_root}}/lib{name}.a"'
        if interface.target.system != "windows":
            place += "\n    INTERFACE_LINK_LIBRARIES m"
        text += _imported(f"{name}::static", "STATIC", place)
    if has_shared or has_static:
        best = f"{name}::{'shared' if has_shared else 'static'}"
        text += f"""\
if(NOT TARGET {name}::{name})
  add_library({name}::{name} INTERFACE IMPORTED)
  set_target_properties({name}::{name} PROPERTIES INTERFACE_LINK_LIBRARIES {best})
endif()
"""
    return text + "unset(_root)\n"


def _imported(target: str, kind: str, properties: str) -> str:
    return f"""\
if(NOT TARGET {target})
  add_library({target} {kind} IMPORTED)
  set_target_properties({target} PROPERTIES
    {properties}
    INTERFACE_INCLUDE_DIRECTORIES "${{_root}}/include")
endif()
"""


def emit_pkg_config(interface: Interface, version: str) -> str:
    """The text of lib/pkgconfig/NAME.pc.

    ``pkg-config --define-prefix`` finds the folder wherever it was copied to;
    ``--static`` links all that the archive needs.
    """
    return f"""\
# With PKG_CONFIG_PATH=FOLDER/lib/pkgconfig:
#   pkg-config --define-prefix --cflags --libs {interface.name}
prefix=${{pcfiledir}}/../..
libdir=${{prefix}}
includedir=${{prefix}}/include

Name: {interface.name}
Description: The model {interface.name}, compiled by tfnative for {interface.triple}
Version: {version}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -l{interface.name}
Libs.private: -lm
"""
