// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Writes tf.Example messages as protobuf does.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tfnative::test {

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// A field of bytes: a string, a message, or packed numbers.
inline std::string field(unsigned number, std::string_view content) {
  return varint(number << 3 | 2) + varint(content.size()) + std::string(content);
}

inline std::string raw(float value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

inline std::string floats(const std::vector<float>& values) {
  std::string packed;
  for (const float value : values) packed += raw(value);
  return field(2, field(1, packed));
}

inline std::string unpacked_floats(const std::vector<float>& values) {
  std::string list;
  for (const float value : values) list += "\x0d" + raw(value);
  return field(2, list);
}

inline std::string integers(const std::vector<std::int64_t>& values) {
  std::string packed;
  for (const std::int64_t v : values) packed += varint(static_cast<std::uint64_t>(v));
  return field(3, field(1, packed));
}

inline std::string unpacked_integers(const std::vector<std::int64_t>& values) {
  std::string list;
  for (const std::int64_t v : values) {
    list += "\x08" + varint(static_cast<std::uint64_t>(v));
  }
  return field(3, list);
}

inline std::string strings(const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) list += field(1, value);
  return field(1, list);
}

inline std::string entry(std::string_view name, std::string_view feature) {
  return field(1, field(1, name) + field(2, feature));
}

inline std::string example(const std::string& entries) { return field(1, entries); }

}  // namespace tfnative::test
