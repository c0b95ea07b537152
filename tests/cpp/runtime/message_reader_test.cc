// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/message_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// Reads all fields, and messages in them as long as they look like some.
std::size_t read_all(std::string_view message, int depth = 0) {
  std::size_t count = 0;
  for (MessageReader reader(message); reader.next(); ++count) {
    if (reader.type() != WireType::kBytes) continue;
    EXPECT_GE(reader.bytes().data(), message.data());
    EXPECT_LE(reader.bytes().data() + reader.bytes().size(),
              message.data() + message.size());
    std::uint64_t sum = 0, value = 0;
    try {
      for (PackedVarints packed(reader.bytes()); packed.next(&value);) sum += value;
      if (depth < 8) count += read_all(reader.bytes(), depth + 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
    }
  }
  return count;
}

std::string message_of(std::string_view message) {
  try {
    read_all(message);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(MessageReader, GivesFieldsInOrderWithTheirValues) {
  const std::string message =
      "\x08\x96\x01"                                    // 1: 150
      "\x12\x07testing"                                 // 2: "testing"
      "\x1d\x00\x00\x80\x3f"                            // 3: 1.0f
      "\x21\x01\x00\x00\x00\x00\x00\x00\x80"            // 4: 2^63 + 1
      "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;  // 5: -1
  MessageReader reader(message);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.is(1, WireType::kVarint));
  EXPECT_FALSE(reader.is(1, WireType::kBytes));
  EXPECT_EQ(reader.varint(), 150u);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.is(2, WireType::kBytes));
  EXPECT_EQ(reader.bytes(), "testing");
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.is(3, WireType::kFixed32));
  EXPECT_EQ(reader.fixed32(), 0x3f800000u);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.is(4, WireType::kFixed64));
  EXPECT_EQ(reader.fixed64(), (std::uint64_t{1} << 63) + 1);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(static_cast<std::int64_t>(reader.varint()), -1);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(MessageReader, AnEmptyMessageHasNoFields) {
  EXPECT_FALSE(MessageReader("").next());
  EXPECT_FALSE(MessageReader(std::string_view()).next());
}

TEST(MessageReader, SaysWhereAMessageIsNotWellFormed) {
  EXPECT_NE(message_of("\x08"s).find("at byte 1"), std::string::npos);
  EXPECT_NE(message_of("\x12\x08testing"s).find("cut off"), std::string::npos);
  EXPECT_NE(message_of("\x1d\x00\x00"s).find("cut off"), std::string::npos);
  EXPECT_NE(message_of("\x0b\x0c"s).find("group"), std::string::npos);
  EXPECT_NE(message_of("\x0e"s), "");
  EXPECT_NE(message_of("\x00\x00"s).find("field number"), std::string::npos);
  EXPECT_NE(message_of("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s), "");
  EXPECT_NE(message_of("\x08"s + std::string(11, '\xff')), "");
}

TEST(PackedVarints, GivesAllNumbers) {
  std::vector<std::uint64_t> found;
  std::uint64_t value;
  for (PackedVarints packed("\x01\x96\x01\x00"sv); packed.next(&value);) {
    found.push_back(value);
  }
  EXPECT_EQ(found, (std::vector<std::uint64_t>{1, 150, 0}));
  PackedVarints cut_off("\x01\x96"sv);
  EXPECT_TRUE(cut_off.next(&value));
  EXPECT_THROW(cut_off.next(&value), Error);
}

// For the sanitizers: whatever the bytes, nothing outside of them is read.
TEST(MessageReader, ReadsNothingButTheMessage) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::vector<char> bytes(random() % 64);  // On the heap, with nothing behind it.
    for (char& byte : bytes) {
      byte = static_cast<char>(random() % (i % 2 == 0 ? 256 : 32));
    }
    message_of(std::string_view(bytes.data(), bytes.size()));
  }
}

}  // namespace
}  // namespace tfnative::internal
