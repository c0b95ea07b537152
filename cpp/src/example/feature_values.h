// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The values in a tf.Feature message: one of BytesList, FloatList and Int64List.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tfnative/tensor.hpp"

namespace tfnative::internal {

// The kind of list that a non-empty message begins with. Throws Error
// (kInvalidArgument) if it is none of the three.
DType feature_kind(std::string_view feature);

// The list in a message that has this one only. Throws Error (kInvalidArgument).
std::string_view feature_list(std::string_view feature);

// These give the number of values in a list, and write the first `capacity` of them.
// They throw Error (kInvalidArgument) where a list is not well formed.
std::size_t read_values(std::string_view list, float* values, std::size_t capacity);
std::size_t read_values(std::string_view list, std::int64_t* values,
                        std::size_t capacity);
std::size_t read_values(std::string_view list, StringView* values,
                        std::size_t capacity);

}  // namespace tfnative::internal
