// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "crc32c.h"

#include <array>
#include <cstring>

#include "cpu_level.h"
#include "crc_tables.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define TFN_CRC32C __attribute__((target("sse4.2")))
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#if defined(__clang__)
#define TFN_CRC32C __attribute__((target("crc")))
#else
#define TFN_CRC32C __attribute__((target("+crc")))
#endif
#endif

namespace tfnative::internal {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78u;

// Bytes that each of three streams takes before they become one again.
constexpr std::size_t kStreamBytes = 1024;

// A linear function of 32 bits: what it makes of each of them.
using Matrix = std::array<std::uint32_t, 32>;

constexpr std::uint32_t times(const Matrix& matrix, std::uint32_t vector) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; vector != 0; ++i, vector >>= 1) {
    if (vector & 1) sum ^= matrix[i];
  }
  return sum;
}

// What so many zero bytes, a power of two of them, make of a remainder; for each of its
// bytes, since remainders are added by XOR.
using Shift = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr Shift make_shift(std::size_t bytes) {
  Matrix matrix{};  // Of one zero bit.
  matrix[0] = kPolynomial;
  for (std::size_t i = 1; i < 32; ++i) matrix[i] = 1u << (i - 1);
  for (std::size_t bits = 1; bits < 8 * bytes; bits *= 2) {
    Matrix twice{};
    for (std::size_t i = 0; i < 32; ++i) twice[i] = times(matrix, matrix[i]);
    matrix = twice;
  }
  Shift shift{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      shift[k][byte] = times(matrix, byte << (8 * k));
    }
  }
  return shift;
}

}  // namespace

std::uint32_t crc32c_by_tables(std::uint32_t crc, const void* data,
                               std::size_t size) noexcept {
  static constexpr CrcTables kTables = make_crc_tables(kPolynomial);
  return crc_by_tables(kTables, crc, data, size);
}

#if defined(TFN_CRC32C)

namespace {

constexpr Shift kShift = make_shift(kStreamBytes);

std::uint64_t shifted(std::uint64_t crc) {
  return kShift[0][crc & 0xFF] ^ kShift[1][(crc >> 8) & 0xFF] ^
         kShift[2][(crc >> 16) & 0xFF] ^ kShift[3][(crc >> 24) & 0xFF];
}

#if defined(__x86_64__)

TFN_CRC32C inline std::uint64_t take_word(std::uint64_t crc, std::uint64_t word) {
  return _mm_crc32_u64(crc, word);
}
TFN_CRC32C inline std::uint64_t take_byte(std::uint64_t crc, unsigned char byte) {
  return _mm_crc32_u8(static_cast<std::uint32_t>(crc), byte);
}

#else

TFN_CRC32C inline std::uint64_t take_word(std::uint64_t crc, std::uint64_t word) {
  std::uint32_t result;
  __asm__("crc32cx %w0, %w1, %x2"
          : "=r"(result)
          : "r"(static_cast<std::uint32_t>(crc)), "r"(word));
  return result;
}
TFN_CRC32C inline std::uint64_t take_byte(std::uint64_t crc, unsigned char byte) {
  std::uint32_t result;
  __asm__("crc32cb %w0, %w1, %w2"
          : "=r"(result)
          : "r"(static_cast<std::uint32_t>(crc)), "r"(std::uint32_t{byte}));
  return result;
}

#endif

std::uint64_t word_at(const unsigned char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

bool has_crc32c_instructions() noexcept {
#if defined(__x86_64__)
  return host_x86_level() >= 2;
#else
  static const bool has = (::getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
  return has;
#endif
}

// An instruction takes several cycles, but one can begin in each: so three streams.
TFN_CRC32C std::uint32_t crc32c_by_instructions(std::uint32_t crc, const void* data,
                                                std::size_t size) noexcept {
  const unsigned char* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t first = ~crc;
  for (; size >= 3 * kStreamBytes; size -= 3 * kStreamBytes) {
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < kStreamBytes; i += 8) {
      first = take_word(first, word_at(bytes + i));
      second = take_word(second, word_at(bytes + kStreamBytes + i));
      third = take_word(third, word_at(bytes + 2 * kStreamBytes + i));
    }
    first = shifted(shifted(first) ^ second) ^ third;
    bytes += 3 * kStreamBytes;
  }
  for (; size >= 8; size -= 8, bytes += 8) first = take_word(first, word_at(bytes));
  for (; size > 0; --size, ++bytes) first = take_byte(first, *bytes);
  return ~static_cast<std::uint32_t>(first);
}

#else

bool has_crc32c_instructions() noexcept { return false; }

std::uint32_t crc32c_by_instructions(std::uint32_t crc, const void* data,
                                     std::size_t size) noexcept {
  return crc32c_by_tables(crc, data, size);
}

#endif

}  // namespace tfnative::internal

namespace tfnative {

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  return internal::has_crc32c_instructions()
             ? internal::crc32c_by_instructions(crc, data, size)
             : internal::crc32c_by_tables(crc, data, size);
}

}  // namespace tfnative
