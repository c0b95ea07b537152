// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Prints those of the levels that are named which this CPU has, as a list of CMake's.
#include <cstdio>

#include "level_needs.h"

int main(int argc, char** argv) {
  const char* separator = "";
  for (int i = 1; i < argc; ++i) {
    if (!tfn_host_has(needs_of_level(argv[i]))) continue;
    std::printf("%s%s", separator, argv[i]);
    separator = ";";
  }
}
