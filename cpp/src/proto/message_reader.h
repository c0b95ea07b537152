// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads protocol buffer messages as they are on the wire, as described in
// https://protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tfnative::internal {

// How a field is written.
enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,  // Strings, bytes, messages, and packed repeated numbers.
  kFixed32 = 5,
};

// Goes through the fields of one message. Nothing is copied or allocated: what `bytes`
// returns lies in the message that was given.
//
//   for (MessageReader reader(text); reader.next();) {
//     if (reader.is(1, WireType::kBytes)) name = reader.bytes();
//   }
//
// Fields that are not asked for, as those of later versions, are passed over; so are
// those of a wire type that is not the one they should have, as protobuf does. Throws
// Error (kInvalidArgument) where a message is not well formed, or has groups, which
// proto3 has no more.
class MessageReader {
 public:
  explicit MessageReader(std::string_view message)
      : begin_(message.data()), at_(begin_), end_(begin_ + message.size()) {}

  // Goes to the next field; false at the end.
  bool next();

  // Of the field that `next` went to.
  std::uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  bool is(std::uint32_t field, WireType type) const {
    return field_ == field && type_ == type;
  }

  // Its value, if it has that wire type.
  std::uint64_t varint() const { return number_; }
  std::uint32_t fixed32() const { return static_cast<std::uint32_t>(number_); }
  std::uint64_t fixed64() const { return number_; }
  std::string_view bytes() const { return bytes_; }

 private:
  [[noreturn]] void fail(const char* what) const;
  std::uint64_t read_varint();
  std::uint64_t read_fixed(std::size_t size);

  const char* begin_;
  const char* at_;
  const char* end_;
  std::uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
};

// Goes through the varints of a packed repeated field.
class PackedVarints {
 public:
  explicit PackedVarints(std::string_view packed)
      : at_(packed.data()), end_(packed.data() + packed.size()) {}

  // Reads the next one; false at the end. Throws Error (kInvalidArgument).
  bool next(std::uint64_t* value);

 private:
  const char* at_;
  const char* end_;
};

}  // namespace tfnative::internal
