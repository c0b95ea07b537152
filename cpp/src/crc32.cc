// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "crc32.h"

#include "crc_tables.h"

namespace tfnative::internal {

std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  static constexpr CrcTables kTables = make_crc_tables(0xEDB88320u);
  return crc_by_tables(kTables, crc, data, size);
}

}  // namespace tfnative::internal
