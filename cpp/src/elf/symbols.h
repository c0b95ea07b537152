// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The names that a library gives and takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "elf/dynamic.h"

namespace tfnative::internal::elf {

struct Symbol {
  std::string name;
  unsigned char type = STT_NOTYPE;
  unsigned char binding = STB_LOCAL;
  bool is_defined = false;
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

// The dynamic symbols, in order, as many as its hash tables have. Throws Problem if a
// look-up of a name, or of its version, would read outside of the library.
std::vector<Symbol> read_symbols(const Image& image, const Dynamic& dynamic);

}  // namespace tfnative::internal::elf
