// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Pieces of error messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tfnative/tensor.hpp"

namespace tfnative::internal {

// What messages show of what callers pass is bounded: texts are cut to so many bytes,
// and shapes with more dimensions than any tensor has are not read.
inline constexpr std::size_t kMostShownBytes = 4096;
inline constexpr std::size_t kMostDimensions = 64;

// 'name'
std::string quoted(std::string_view text);

// "a, b, c"
std::string joined(const std::vector<std::string>& parts);
std::string joined(const std::vector<std::int64_t>& numbers);

// "(rows, 8, 8, 1)"
std::string shape_text(ShapeView shape);

}  // namespace tfnative::internal
