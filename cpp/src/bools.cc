// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "bools.h"

#include <algorithm>

namespace tfnative::internal {

// Without a branch for each byte, so that compilers use vectors.
bool has_other_bools(const void* data, std::size_t bytes) noexcept {
  constexpr std::size_t kBlock = 4096;
  const auto* const values = static_cast<const unsigned char*>(data);
  for (std::size_t begin = 0; begin < bytes; begin += kBlock) {
    const std::size_t end = begin + std::min(kBlock, bytes - begin);
    unsigned char all = 0;
    for (std::size_t i = begin; i < end; ++i) {
      all = static_cast<unsigned char>(all | values[i]);
    }
    if (all > 1) return true;
  }
  return false;
}

void copy_bools(void* to, const void* from, std::size_t bytes) noexcept {
  const auto* const values = static_cast<const unsigned char*>(from);
  auto* const copies = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < bytes; ++i) copies[i] = values[i] != 0 ? 1 : 0;
}

}  // namespace tfnative::internal
