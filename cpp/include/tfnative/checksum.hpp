// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The checksum of weights, as tfn_trailer of abi.h has it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfnative {

// The CRC-32C (of iSCSI: RFC 3720) of `size` bytes, continuing from `crc`, which is 0
// at the start. As fast as memory is read where the CPU has instructions for it: x86-64
// from level v2 on, and most of ARMv8. Any thread may call it.
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept;

}  // namespace tfnative
