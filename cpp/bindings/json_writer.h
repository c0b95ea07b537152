// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Tensors as JSON text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tfnative::bindings {

// Elements that lie one after the other, in the order of their indices.
struct JsonArray {
  enum class Kind : std::uint8_t { kBool, kSigned, kUnsigned, kFloat };

  const void* data;
  Kind kind;
  std::size_t element_bytes;
  std::vector<std::int64_t> shape;
};

// Appends nested lists. Numbers are as exact as they are: who reads a float64 from the
// text has the number again. NaN and infinities are written as JavaScript has them.
void write_json(const JsonArray& array, std::string* to);

// Appends a list with an object for each row: what the arrays have in their first
// dimension, under their names, which are JSON strings with their quotes.
void write_json_rows(const std::vector<std::string>& names,
                     const std::vector<JsonArray>& arrays, std::string* to);

}  // namespace tfnative::bindings
