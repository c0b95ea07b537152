// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What the dynamic linker writes into a library when it opens it.
#pragma once

#include <vector>

#include "elf/symbols.h"

namespace tfnative::internal::elf {

// Throws Problem unless all that is written are addresses of the library itself and of
// what it imports, at places of its own that may be written: no relocation calls code,
// and none reaches the linker's own tables, or memory that is not the library's.
void check_relocations(const Image& image, const Dynamic& dynamic,
                       const std::vector<Symbol>& symbols);

}  // namespace tfnative::internal::elf
