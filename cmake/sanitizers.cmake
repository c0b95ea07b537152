# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# TFNATIVE_SANITIZE: a list for -fsanitize, e.g. "address;undefined". It applies to
# everything below, since a program with some code left out reports falsely. With -O1,
# which is what GCC and Clang advise: -O2 compiles half as long again, and optimizes away
# some of what is to be found.
set(TFNATIVE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize")

if(TFNATIVE_SANITIZE)
  string(REPLACE ";" "," _sanitizers "${TFNATIVE_SANITIZE}")
  add_compile_options(-O1 -fsanitize=${_sanitizers} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${_sanitizers})
endif()
