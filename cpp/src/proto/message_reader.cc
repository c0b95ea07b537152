// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/message_reader.h"

#include <string>

#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr int kMaxVarintBytes = 10;

// Moves `at` behind the varint there. False if it does not end, before `end` or at all.
bool parse_varint(const char** at, const char* end, std::uint64_t* value) {
  *value = 0;
  for (int i = 0; i < kMaxVarintBytes && *at != end; ++i) {
    const auto byte = static_cast<std::uint8_t>(*(*at)++);
    *value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

void MessageReader::fail(const char* what) const {
  throw Error(
      Code::kInvalidArgument,
      std::string(what) + " at byte " + std::to_string(at_ - begin_) + " of a message");
}

bool MessageReader::next() {
  if (at_ == end_) return false;
  const std::uint64_t tag = read_varint();
  const std::uint64_t field = tag >> 3;
  if (field == 0 || field > (1u << 29) - 1) fail("there is no such field number");
  field_ = static_cast<std::uint32_t>(field);
  type_ = static_cast<WireType>(tag & 7);
  switch (type_) {
    case WireType::kVarint: number_ = read_varint(); return true;
    case WireType::kFixed64: number_ = read_fixed(8); return true;
    case WireType::kFixed32: number_ = read_fixed(4); return true;
    case WireType::kBytes: {
      const std::uint64_t size = read_varint();
      if (size > static_cast<std::uint64_t>(end_ - at_)) fail("a field is cut off");
      bytes_ = std::string_view(at_, static_cast<std::size_t>(size));
      at_ += size;
      return true;
    }
  }
  fail("a group, or no field at all,");
}

std::uint64_t MessageReader::read_varint() {
  std::uint64_t value;
  if (!parse_varint(&at_, end_, &value)) fail("a number does not end");
  return value;
}

std::uint64_t MessageReader::read_fixed(std::size_t size) {
  if (size > static_cast<std::size_t>(end_ - at_)) fail("a number is cut off");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at_[i])) << (8 * i);
  }
  at_ += size;
  return value;
}

bool PackedVarints::next(std::uint64_t* value) {
  if (at_ == end_) return false;
  if (parse_varint(&at_, end_, value)) return true;
  throw Error(Code::kInvalidArgument, "a packed number does not end");
}

}  // namespace tfnative::internal
