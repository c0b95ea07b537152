// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The checksum of zlib, PNG and Ethernet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfnative::internal {

// The CRC-32 of `size` bytes, continuing from `crc`, which is 0 at the start.
std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size) noexcept;

}  // namespace tfnative::internal
