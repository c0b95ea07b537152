// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tfnative::internal {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

// Bytes of the character that begins with `first`, 0 if none does; and the lowest and
// the highest value that the second byte may have.
struct Form {
  std::size_t bytes;
  unsigned char lowest, highest;
};

Form form_of(unsigned char first) {
  if (first < 0xc2) return {0, 0, 0};  // Goes on, or would need fewer bytes.
  if (first < 0xe0) return {2, 0x80, 0xbf};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};  // Surrogates are above.
  if (first < 0xf0) return {3, 0x80, 0xbf};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first < 0xf4) return {4, 0x80, 0xbf};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t word;
    if (text.size() - at >= sizeof word) {  // ASCII, most of the time.
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & kHighBits) == 0) {
        at += sizeof word;
        continue;
      }
    }
    if (byte(at) < 0x80) {
      ++at;
      continue;
    }
    const Form form = form_of(byte(at));
    if (form.bytes == 0 || form.bytes > text.size() - at) return false;
    if (byte(at + 1) < form.lowest || byte(at + 1) > form.highest) return false;
    for (std::size_t i = 2; i < form.bytes; ++i) {
      if (byte(at + i) >> 6 != 2) return false;
    }
    at += form.bytes;
  }
  return true;
}

}  // namespace tfnative::internal
