# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NAME-config.cmake: what find_package(NAME) reads."""

from __future__ import annotations

from tfnative_aot.emit.interface import Interface


def emit_cmake_config(interface: Interface, *, static: bool) -> str:
    """The text of lib/cmake/NAME/NAME-config.cmake.

    It defines NAME::NAME (the shared library) and, with ``static``, NAME::static.
    """
    name = interface.name
    text = f"""\
# The model {name}, compiled by tfnative for {interface.triple}.
#   find_package({name})           with CMAKE_PREFIX_PATH at the artifact's folder
#   target_link_libraries(app PRIVATE {name}::{name})
get_filename_component(_root "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
if(NOT TARGET {name}::{name})
  add_library({name}::{name} SHARED IMPORTED)
  set_target_properties({name}::{name} PROPERTIES
    IMPORTED_LOCATION "${{_root}}/lib{name}.so"
    INTERFACE_INCLUDE_DIRECTORIES "${{_root}}/include")
endif()
"""
    if static:
        text += f"""\
if(NOT TARGET {name}::static)
  add_library({name}::static STATIC IMPORTED)
  set_target_properties({name}::static PROPERTIES
    IMPORTED_LOCATION "${{_root}}/lib{name}.a"
    INTERFACE_INCLUDE_DIRECTORIES "${{_root}}/include"
    INTERFACE_LINK_LIBRARIES m)
endif()
"""
    return text + "unset(_root)\n"
