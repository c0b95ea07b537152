// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The words of JSON text: strings, numbers and names, without what they are for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tfnative::bindings {

// A number as it is written: an integer if it has no fraction and no exponent and fits
// 64 bits.
struct JsonNumber {
  enum class Kind : std::uint8_t { kInt64, kUint64, kDouble } kind;
  std::uint64_t bits;  // Of an int64_t, uint64_t or double.
};

// Goes through text from its begin to its end. Each function throws Error
// (kInvalidArgument), which says at which byte, where the text is no JSON.
class JsonText {
 public:
  explicit JsonText(std::string_view text) : text_(text) {}

  std::size_t position() const { return at_; }
  void go_to(std::size_t position) { at_ = position; }

  // The next character that is no white space, or 0 at the end. Stays before it.
  char peek();
  // Whether that character comes next; goes past it if it does.
  bool take(char expected);
  void expect(char expected);
  // Whether a word as "true" comes next; goes past it if it does.
  bool take_word(std::string_view word);

  // Appends the string that comes next, as UTF-8. Escapes are decoded.
  void read_string(std::string* to);
  // Goes past a number. "NaN", "Infinity" and "-Infinity" are numbers, as in
  // JavaScript.
  JsonNumber read_number();

  [[noreturn]] void fail(std::string_view what) const;

 private:
  void read_escape(std::string* to);
  std::uint32_t read_hex();
  void read_utf8(std::string* to);
  std::size_t digits();

  std::string_view text_;
  std::size_t at_ = 0;
};

// Appends the bytes of base64 with its padding. False if it is none.
bool decode_base64(std::string_view text, std::string* to);

}  // namespace tfnative::bindings
