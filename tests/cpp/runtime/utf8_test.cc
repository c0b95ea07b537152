// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace tfnative::internal {
namespace {

std::string encoded(char32_t code) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  const auto more = [&](int shift) { return byte(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), more(0)};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), more(6), more(0)};
  return {byte(0xf0 | code >> 18), more(12), more(6), more(0)};
}

TEST(Utf8, HasEveryCharacterButSurrogates) {
  for (char32_t code = 0; code < 0x110100; code += code < 0x3000 ? 1 : 17) {
    const bool is_character = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
    EXPECT_EQ(is_utf8(encoded(code)), is_character) << std::hex << +code;
    // Wherever it stands.
    EXPECT_EQ(is_utf8("abcdefg" + encoded(code) + "hijklmnop"), is_character);
  }
}

TEST(Utf8, HasNoCharacterThatIsCutOffOrLongerThanItHasToBe) {
  for (const char* text : {"\x80",
                           "\xbf",
                           "\xc0\x80",
                           "\xc1\xbf",
                           "\xe0\x80\x80",
                           "\xe0\x9f\xbf",
                           "\xf0\x80\x80\x80",
                           "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80",
                           "\xff",
                           "\xfe",
                           "\xc3",
                           "\xe2\x82",
                           "\xf0\x9f\x98",
                           "\xc3(",
                           "\xe2(\xa1",
                           "\xe2\x82(",
                           "\xf0\x9f\x98(",
                           "aaaaaaaaaaaaaaaa\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(""));
}

}  // namespace
}  // namespace tfnative::internal
