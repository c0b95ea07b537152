// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The ways to compute a CRC-32C, for tests; `crc32c` takes the best one.
#pragma once

#include "tfnative/checksum.hpp"

namespace tfnative::internal {

// By table look-ups, which any CPU has.
std::uint32_t crc32c_by_tables(std::uint32_t crc, const void* data,
                               std::size_t size) noexcept;

// Whether this CPU has instructions for it.
bool has_crc32c_instructions() noexcept;

// By these instructions, which the CPU must have.
std::uint32_t crc32c_by_instructions(std::uint32_t crc, const void* data,
                                     std::size_t size) noexcept;

}  // namespace tfnative::internal
