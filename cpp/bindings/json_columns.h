// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// JSON text as tensors, without an object for each number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tfnative::bindings {

// All values at one place of a document: the elements of nested lists, one after the
// other, or what all objects of a list have under one name. It costs 8 bytes for each
// number, and the bytes of each string, whatever is in the text.
struct JsonColumn {
  enum class Kind : std::uint8_t {
    kNothing,  // There were only empty lists.
    kNull,
    kBool,
    kInt64,
    kUint64,
    kDouble,
    kString,
    kTable,  // Objects with the same names.
  };

  Kind kind = Kind::kNothing;
  // Why it is no tensor, as where lists have different lengths; or null. What was in it
  // is not kept then.
  const char* problem = nullptr;
  std::vector<std::int64_t> shape;  // Sizes of the lists around each value.
  std::int64_t rank = -1;           // How many there are; -1 before the first value.
  std::size_t values = 0;           // How many came, at the rank of the column.
  std::size_t entries = 0;          // How many objects had it; 1 outside of tables.
  bool has_negative = false;
  std::vector<std::uint64_t> numbers;  // Bits of int64_t, uint64_t or double; or 0, 1.
  std::string text;                    // All strings, one after the other;
  std::vector<std::size_t> ends;       // and where each ends.
  std::vector<std::pair<std::string, JsonColumn>> members;  // Of kTable.
  std::map<std::string, std::size_t, std::less<>> places;   // Of them, by name.
};

// What a document's object has.
struct JsonDocument {
  std::vector<std::pair<std::string, JsonColumn>> members;
  // Where the elements of the list `spans_of` begin and end, if there is such a list.
  bool has_spans = false;
  std::vector<std::int64_t> spans;
};

// Reads a document that is one object. The member `spans_of`, unless that is empty, is
// not read but divided, if it is a list: for objects that are not alike. Throws Error
// (kInvalidArgument): it is no JSON, a name is there twice, lists or objects are nested
// too deeply, or there are too many names.
JsonDocument read_json(std::string_view text, std::string_view spans_of);

}  // namespace tfnative::bindings
