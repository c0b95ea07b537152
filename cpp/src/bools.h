// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Booleans of callers, which may be other bytes than compiled code knows.
#pragma once

#include <cstddef>

namespace tfnative::internal {

// Compiled code, and TensorFlow, know 0 and 1 alone: of a byte of 2, a sum is 2, and
// what is not equal to it may be neither true nor false.

// Whether any of so many bytes is neither 0 nor 1.
bool has_other_bools(const void* data, std::size_t bytes) noexcept;

// Copies booleans: what is not 0 becomes 1. The copy may be in their place.
void copy_bools(void* to, const void* from, std::size_t bytes) noexcept;

}  // namespace tfnative::internal
