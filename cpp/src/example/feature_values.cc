// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "example/feature_values.h"

#include <algorithm>
#include <cstring>

#include "proto/message_reader.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr std::uint32_t kValue = 1;  // Number of the only field of each list.

[[noreturn]] void fail(const char* what) { throw Error(Code::kInvalidArgument, what); }

constexpr char tag(std::uint32_t field) {
  return static_cast<char>(field << 3 | static_cast<std::uint32_t>(WireType::kBytes));
}

// All values in one packed field, or each in a field of its own. TensorFlow reads what
// comes first and leaves the rest.
class Pieces {
 public:
  explicit Pieces(std::string_view list) : reader_(list) {}

  bool next(WireType unpacked) {
    if (!reader_.next()) return false;
    const bool is_packed = reader_.is(kValue, WireType::kBytes);
    if (!is_packed && !reader_.is(kValue, unpacked)) {
      fail("something else stands between the values");
    }
    if (packed_ || (is_packed && count_ > 0)) fail("the values are in several pieces");
    packed_ = is_packed;
    ++count_;
    return true;
  }

  bool packed() const { return packed_; }
  const MessageReader& field() const { return reader_; }

 private:
  MessageReader reader_;
  bool packed_ = false;
  std::size_t count_ = 0;
};

}  // namespace

DType feature_kind(std::string_view feature) {
  switch (feature[0]) {
    case tag(1): return DType::kString;
    case tag(2): return DType::kFloat32;
    case tag(3): return DType::kInt64;
  }
  fail("there is no such kind of values");
}

std::string_view feature_list(std::string_view feature) {
  MessageReader reader(feature);
  reader.next();
  const std::string_view list = reader.bytes();
  if (reader.next()) fail("it has several lists of values");
  return list;
}

std::size_t read_values(std::string_view list, float* values, std::size_t capacity) {
  std::size_t count = 0;
  for (Pieces pieces(list); pieces.next(WireType::kFixed32);) {
    if (pieces.packed()) {
      const std::string_view packed = pieces.field().bytes();
      if (packed.size() % sizeof(float) != 0) fail("a packed number is cut off");
      count = packed.size() / sizeof(float);
      const std::size_t kept = std::min(count, capacity);
      if (kept > 0) std::memcpy(values, packed.data(), kept * sizeof(float));
    } else {
      const std::uint32_t bits = pieces.field().fixed32();
      if (count < capacity) std::memcpy(values + count, &bits, sizeof(bits));
      ++count;
    }
  }
  return count;
}

std::size_t read_values(std::string_view list, std::int64_t* values,
                        std::size_t capacity) {
  std::size_t count = 0;
  const auto add = [&](std::uint64_t value) {
    if (count < capacity) values[count] = static_cast<std::int64_t>(value);
    ++count;
  };
  for (Pieces pieces(list); pieces.next(WireType::kVarint);) {
    if (pieces.packed()) {
      std::uint64_t value;
      for (PackedVarints packed(pieces.field().bytes()); packed.next(&value);) {
        add(value);
      }
    } else {
      add(pieces.field().varint());
    }
  }
  return count;
}

std::size_t read_values(std::string_view list, StringView* values,
                        std::size_t capacity) {
  std::size_t count = 0;
  for (MessageReader reader(list); reader.next(); ++count) {
    if (!reader.is(kValue, WireType::kBytes)) {
      fail("something else stands between the values");
    }
    const std::string_view bytes = reader.bytes();
    if (count < capacity) values[count] = {bytes.data(), bytes.size()};
  }
  return count;
}

}  // namespace tfnative::internal
