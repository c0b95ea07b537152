// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Writes protocol buffer messages as they are on the wire, as described in
// https://protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tfnative::internal {

// Collects the fields of one message, in the order in which they are added.
class MessageWriter {
 public:
  // int32, int64, bool and enum. Negative ones take ten bytes, as protobuf has it.
  void add_varint(std::uint32_t field, std::int64_t value) {
    add_tag(field, 0);
    append(static_cast<std::uint64_t>(value));
  }

  void add_double(std::uint32_t field, double value) {
    add_tag(field, 1);
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(bits >> (8 * i));
  }

  // Strings, bytes, and messages that are complete.
  void add_bytes(std::uint32_t field, std::string_view bytes) {
    add_tag(field, 2);
    append(bytes.size());
    bytes_ += bytes;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void add_tag(std::uint32_t field, std::uint32_t type) { append(field << 3 | type); }

  void append(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace tfnative::internal
