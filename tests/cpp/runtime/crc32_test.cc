// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "crc32.h"

#include <gtest/gtest.h>

#include <string>

namespace tfnative::internal {
namespace {

TEST(Crc32, HasTheKnownValues) {
  EXPECT_EQ(crc32(0, "", 0), 0u);
  EXPECT_EQ(crc32(0, "123456789", 9), 0xCBF43926u);  // The standard's check value.
  EXPECT_EQ(crc32(0, "The quick brown fox jumps over the lazy dog", 43), 0x414FA339u);
}

TEST(Crc32, ContinuesAtAnyPlace) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 7);
  const std::uint32_t whole = crc32(0, text.data(), text.size());
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::uint32_t first = crc32(0, text.data(), cut);
    EXPECT_EQ(crc32(first, text.data() + cut, text.size() - cut), whole);
  }
}

}  // namespace
}  // namespace tfnative::internal
