// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// That documents are read as Python reads them is tested in Python.
#include "json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "tfnative/error.hpp"

namespace tfnative::bindings {
namespace {

using namespace std::string_literals;

double number(const std::string& text) {
  JsonText reader(text);
  const JsonNumber found = reader.read_number();
  EXPECT_EQ(reader.position(), text.size()) << text;
  EXPECT_EQ(found.kind, JsonNumber::Kind::kDouble) << text;
  double value;
  std::memcpy(&value, &found.bits, sizeof value);
  return value;
}

std::string string_of(const std::string& text) {
  JsonText reader(text);
  std::string found;
  reader.read_string(&found);
  EXPECT_EQ(reader.position(), text.size()) << text;
  return found;
}

template <typename Read>
std::string problem(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(JsonText, NumbersAreTheNearestOnes) {
  EXPECT_EQ(number("0.1"), 0.1);
  EXPECT_EQ(number("-1.5e3"), -1500.0);
  EXPECT_EQ(number("1E-2"), 0.01);
  EXPECT_EQ(number("18446744073709551616"), std::ldexp(1.0, 64));
  EXPECT_EQ(number("1.7976931348623157e308"), 1.7976931348623157e308);
  EXPECT_EQ(number("4.9e-324"), 4.9e-324);
  EXPECT_TRUE(std::isnan(number("NaN")));
  EXPECT_TRUE(std::isinf(number("-Infinity")));
}

TEST(JsonText, NumbersThatAreTooSmallAreZero) {
  EXPECT_EQ(number("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(number("-1e-999999999999999999999")));
  EXPECT_EQ(number("0." + std::string(400, '0') + "1"), 0.0);
  EXPECT_EQ(number("0.0e999999999"), 0.0);
}

TEST(JsonText, NumbersThatAreTooLargeAreRefused) {
  for (const std::string& text :
       {"1e400"s, "-1e999999999999999999999"s, std::string(400, '9'), "0.001e312"s}) {
    EXPECT_NE(problem([&] { number(text); }).find("too large"), std::string::npos)
        << text;
  }
}

TEST(JsonText, IntegersOf64BitsAreExact) {
  JsonText least("-9223372036854775808"), most("18446744073709551615");
  const JsonNumber first = least.read_number(), last = most.read_number();
  EXPECT_EQ(first.kind, JsonNumber::Kind::kInt64);
  EXPECT_EQ(first.bits, std::uint64_t{1} << 63);
  EXPECT_EQ(last.kind, JsonNumber::Kind::kUint64);
  EXPECT_EQ(last.bits, ~std::uint64_t{0});
}

TEST(JsonText, WhatIsNoNumberIsRefused) {
  for (const char* text :
       {"", "-", "+1", ".5", "1.", "1e", "1e+", "01", "-01", "Nan"}) {
    EXPECT_NE(problem([&] { JsonText(text).read_number(); }), "") << text;
  }
}

TEST(JsonText, StringsAreDecoded) {
  EXPECT_EQ(string_of(R"("")"), "");
  EXPECT_EQ(string_of(R"("a\"\\\/\b\f\n\r\t")"), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(string_of(R"("\u0000\u00e9\u20ac\ud83d\ude00")"), "\0é€😀"s);
  EXPECT_EQ(string_of("\"é€😀\""), "é€😀");
}

TEST(JsonText, WhatIsNoStringIsRefused) {
  for (const std::string& text :
       {"\""s, "\"a"s, "\"\\"s, "\"\\x\""s, "\"\\u12"s, "\"\\u12g4\""s, "\"\\ud800\""s,
        "\"\\ud800\\u0041\""s, "\"\\udc00\""s, "\"\n\""s, "\"\0\""s, "\"\x80\""s,
        "\"\xc0\x80\""s, "\"\xed\xa0\x80\""s, "\"\xf4\x90\x80\x80\""s, "\"\xe2\x82\""s,
        "\"\xff\""s}) {
    EXPECT_NE(problem([&] { string_of(text); }), "") << text;
  }
}

TEST(JsonText, Base64IsDecodedWithItsPaddingOnly) {
  const auto decoded = [](const char* text) {
    std::string found;
    return decode_base64(text, &found) ? found : "refused";
  };
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("AP8="), "\0\xff"s);
  EXPECT_EQ(decoded("YQ=="), "a");
  EXPECT_EQ(decoded("YWJj"), "abc");
  for (const char* text :
       {"=", "A", "AA", "AAA", "A===", "====", "AA=A", "A A=", "YQ==YQ=="}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

}  // namespace
}  // namespace tfnative::bindings
