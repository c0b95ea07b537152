// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "json_text.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "tfnative/error.hpp"

namespace tfnative::bindings {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t bits_of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

void append_utf8(std::uint32_t code, std::string* to) {
  const auto put = [&](std::uint32_t byte) { to->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

// The power of ten of a number's first digit that is not 0, or far less if all are;
// std::from_chars does not say whether a number is too large or too small.
long power_of_ten(std::string_view text) {
  constexpr long kFar = 1'000'000;
  const std::size_t mark = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, mark);
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return -kFar;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const long place = static_cast<long>(point) - static_cast<long>(first);
  if (mark == std::string_view::npos) return place;
  std::string_view power = text.substr(mark + 1);
  if (power.front() == '+') power.remove_prefix(1);
  long value = 0;
  const auto [end, error] =
      std::from_chars(power.data(), power.data() + power.size(), value);
  if (error != std::errc()) value = power.front() == '-' ? -kFar : kFar;
  return place + std::max(-kFar, std::min(kFar, value));
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

void JsonText::fail(std::string_view what) const {
  throw Error(Code::kInvalidArgument,
              "expected JSON: byte " + std::to_string(at_) + ": " + std::string(what));
}

char JsonText::peek() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
  }
  return 0;
}

bool JsonText::take(char expected) {
  if (peek() != expected || at_ == text_.size()) return false;
  ++at_;
  return true;
}

void JsonText::expect(char expected) {
  if (!take(expected)) {
    fail(at_ == text_.size() ? "the text ends too early"
                             : std::string("expected '") + expected + "'");
  }
}

bool JsonText::take_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

void JsonText::read_string(std::string* to) {
  expect('"');
  for (;;) {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
           static_cast<unsigned char>(text_[end]) >= 0x20 &&
           static_cast<unsigned char>(text_[end]) < 0x80) {
      ++end;
    }
    to->append(text_, at_, end - at_);
    at_ = end;
    if (at_ == text_.size()) fail("a string does not end");
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return;
    }
    if (c < 0x20) fail("a string has a control character");
    if (c == '\\') {
      read_escape(to);
    } else {
      read_utf8(to);
    }
  }
}

void JsonText::read_escape(std::string* to) {
  constexpr std::string_view kShort = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  ++at_;
  if (at_ == text_.size()) fail("a string does not end");
  const char c = text_[at_];
  const std::size_t known = kShort.find(c);
  if (known != std::string_view::npos) {
    ++at_;
    to->push_back(kMeant[known]);
    return;
  }
  if (c != 'u') fail("there is no such escape");
  ++at_;
  std::uint32_t code = read_hex();
  if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) {
    const std::uint32_t low = read_hex();
    if (low < 0xDC00 || low > 0xDFFF) fail("half of a pair of surrogates");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xD800 && code <= 0xDFFF) {
    fail("half of a pair of surrogates");
  }
  append_utf8(code, to);
}

std::uint32_t JsonText::read_hex() {
  std::uint32_t code = 0;
  const char* const begin = text_.data() + at_;
  if (text_.size() - at_ < 4) fail("a string does not end");
  const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
  if (error != std::errc() || end != begin + 4)
    fail("expected four hexadecimal digits");
  at_ += 4;
  return code;
}

void JsonText::read_utf8(std::string* to) {
  const auto byte = [&](std::size_t i) {
    return at_ + i < text_.size()
               ? static_cast<std::uint32_t>(static_cast<unsigned char>(text_[at_ + i]))
               : 0u;
  };
  const std::uint32_t lead = byte(0);
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  std::uint32_t code = lead & (0x3Fu >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if (byte(i) >> 6 != 2) fail("a string is not in UTF-8");
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (lead < 0xC0 || lead > 0xF7 || code < kLeast[more] || code > 0x10FFFF ||
      (code >= 0xD800 && code <= 0xDFFF)) {
    fail("a string is not in UTF-8");
  }
  to->append(text_, at_, more + 1);
  at_ += more + 1;
}

std::size_t JsonText::digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ - begin;
}

JsonNumber JsonText::read_number() {
  using Limits = std::numeric_limits<double>;
  const std::size_t begin = at_;
  const auto special = [&](double value) {
    return JsonNumber{JsonNumber::Kind::kDouble, bits_of(value)};
  };
  if (take_word("NaN")) return special(Limits::quiet_NaN());
  if (take_word("Infinity")) return special(Limits::infinity());
  if (take_word("-Infinity")) return special(-Limits::infinity());
  const bool is_negative = take_word("-");
  const std::size_t first = at_, whole = digits();
  if (whole == 0) fail("expected a value");
  if (whole > 1 && text_[first] == '0') fail("a number begins with 0");
  bool is_integer = true;
  if (at_ < text_.size() && text_[at_] == '.') {
    is_integer = false;
    ++at_;
    if (digits() == 0) fail("expected a digit");
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    is_integer = false;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (digits() == 0) fail("expected a digit");
  }
  const char *const from = text_.data() + begin, *const to = text_.data() + at_;
  if (is_integer) {
    std::int64_t number = 0;
    if (std::from_chars(from, to, number).ec == std::errc()) {
      return {JsonNumber::Kind::kInt64, static_cast<std::uint64_t>(number)};
    }
    std::uint64_t large = 0;
    if (!is_negative && std::from_chars(from, to, large).ec == std::errc()) {
      return {JsonNumber::Kind::kUint64, large};
    }
  }
  double value = 0;
  if (std::from_chars(from, to, value).ec != std::errc()) {
    if (power_of_ten(text_.substr(first, at_ - first)) > 0)
      fail("a number is too large");
    value = is_negative ? -0.0 : 0.0;
  }
  return {JsonNumber::Kind::kDouble, bits_of(value)};
}

bool decode_base64(std::string_view text, std::string* to) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.empty() || text.back() != '=' ? 0
                              : text[text.size() - 2] == '='     ? 2
                                                                 : 1;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = i < text.size() - padding ? base64_digit(text[i]) : 0;
    if (digit < 0) return false;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    const std::size_t bytes = i + 1 == text.size() ? 3 - padding : 3;
    for (std::size_t k = 0; k < bytes; ++k) {
      to->push_back(static_cast<char>(group >> (16 - 8 * k) & 0xFF));
    }
    group = 0;
  }
  return true;
}

}  // namespace tfnative::bindings
