# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# tfnative_warnings: link it PRIVATE to every target of this project. Warnings are
# errors in presets only, so that a new compiler breaks nobody's build.
option(TFNATIVE_WARNINGS_AS_ERRORS "Treat warnings in this project as errors" OFF)

add_library(tfnative_warnings INTERFACE)
target_compile_options(tfnative_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wcast-qual -Wformat=2 -Wvla
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:-Wthread-safety>
  $<$<BOOL:${TFNATIVE_WARNINGS_AS_ERRORS}>:-Werror>)
