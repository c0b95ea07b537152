// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tfnative::internal {
namespace {

std::string random_text(std::size_t size) {
  std::mt19937 engine(3);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(engine());
  return text;
}

// Bit by bit, as the standard describes it.
std::uint32_t naive(const std::string& text) {
  std::uint32_t remainder = ~0u;
  for (const char c : text) {
    remainder ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ (remainder & 1 ? 0x82F63B78u : 0);
    }
  }
  return ~remainder;
}

TEST(Crc32c, HasTheKnownValues) {  // Of RFC 3720, B.4.
  EXPECT_EQ(crc32c(0, "", 0), 0u);
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xE3069283u);
  EXPECT_EQ(crc32c(0, std::string(32, '\0').data(), 32), 0x8A9136AAu);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff').data(), 32), 0x62A8AB43u);
}

TEST(Crc32c, IsTheSameInAllWaysForAllSizesAndPlaces) {
  if (!has_crc32c_instructions()) GTEST_SKIP() << "the CPU has no instructions for it";
  const std::string text = random_text(10000);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size : {0, 1, 7, 8, 9, 100, 3071, 3072, 3073, 6200, 9900}) {
      const std::string part = text.substr(begin, size);
      EXPECT_EQ(crc32c_by_instructions(0, text.data() + begin, size), naive(part));
      EXPECT_EQ(crc32c_by_tables(0, text.data() + begin, size), naive(part));
    }
  }
}

TEST(Crc32c, ContinuesAtAnyPlace) {
  const std::string text = random_text(7000);
  const std::uint32_t whole = naive(text);
  for (std::size_t cut = 0; cut <= text.size(); cut += 97) {
    const std::uint32_t first = crc32c(0, text.data(), cut);
    EXPECT_EQ(crc32c(first, text.data() + cut, text.size() - cut), whole);
  }
}

TEST(Crc32c, ShowsEveryBitThatIsFlipped) {
  std::string text = random_text(4000);
  const std::uint32_t whole = crc32c(0, text.data(), text.size());
  for (std::size_t bit = 0; bit < 8 * text.size(); bit += 41) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(crc32c(0, text.data(), text.size()), whole) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  }
}

}  // namespace
}  // namespace tfnative::internal
