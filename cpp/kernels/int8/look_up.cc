// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/look_up.h"

// Elsewhere, no instructions do it faster than one byte after the other.
#if defined(TFN_WIDE_VECTORS)
#elif defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#define TFN_SHUFFLED_TABLE
#elif defined(__aarch64__)
#include <arm_neon.h>
#define TFN_WHOLE_TABLE
#endif

namespace TFN_NAMESPACE {
namespace {

#if defined(TFN_SHUFFLED_TABLE)

typedef uint8_t ByteVec __attribute__((vector_size(kLanes * 4)));

#if defined(__AVX512BW__)
INLINE ByteVec shuffle(ByteVec table, ByteVec x) {
  return (ByteVec)_mm512_shuffle_epi8((__m512i)table, (__m512i)x);
}
INLINE ByteVec subtract_saturating(ByteVec a, ByteVec b) {
  return (ByteVec)_mm512_subs_epi8((__m512i)a, (__m512i)b);
}
#else
INLINE ByteVec shuffle(ByteVec table, ByteVec x) {
  return (ByteVec)_mm256_shuffle_epi8((__m256i)table, (__m256i)x);
}
INLINE ByteVec subtract_saturating(ByteVec a, ByteVec b) {
  return (ByteVec)_mm256_subs_epi8((__m256i)a, (__m256i)b);
}
#endif

// The instruction looks up places in 16 bytes: it gives 0 where a place is negative,
// and else takes its last four bits. Places are made less by 16 at a time, and what is
// found in each of 16 rows is joined by exclusive or. So a row has a sixteenth of the
// table, joined with what the rows before it add where that is found.
class Table {
 public:
  static constexpr int64_t kLeast = 512;  // Bytes that it is worth it for.
  static constexpr int64_t kVector = sizeof(ByteVec);

  explicit Table(const uint8_t* table) {
    typedef uint8_t Row __attribute__((vector_size(16)));
    Row rows[kRows], before = {};
    for (int i = 0; i < kRows; ++i) {
      Row row;
      memcpy(&row, table + 16 * i, sizeof row);
      rows[i] = row ^ before;
      // Places from 128 on are found from half the rows before their own on.
      if (i >= kRows / 2) rows[i] ^= rows[i - kRows / 2];
      before = row;
      for (int64_t j = 0; j < kVector; j += 16) {
        memcpy((uint8_t*)&rows_[i] + j, &rows[i], sizeof row);
      }
    }
  }

  INLINE ByteVec at(ByteVec x) const {
    const ByteVec row = (uint8_t)16 - ByteVec{};
    ByteVec found = shuffle(rows_[0], x);
    UNROLL for (int i = 1; i < kRows; ++i) {
      // Numbers go around once, so that those from 128 on become positive.
      x = i <= kRows / 2 ? x - row : subtract_saturating(x, row);
      found ^= shuffle(rows_[i], x);
    }
    return found;
  }

 private:
  static constexpr int kRows = 16;
  ByteVec rows_[kRows];
};

#elif defined(TFN_WHOLE_TABLE)

typedef uint8x16_t ByteVec;

class Table {
 public:
  static constexpr int64_t kLeast = 64;
  static constexpr int64_t kVector = sizeof(ByteVec);

  explicit Table(const uint8_t* table) {
    for (int i = 0; i < 4; ++i) quarters_[i] = vld1q_u8_x4(table + 64 * i);
  }

  // Places outside of a quarter leave what was found.
  INLINE ByteVec at(ByteVec x) const {
    const ByteVec quarter = vdupq_n_u8(64);
    ByteVec found = vqtbl4q_u8(quarters_[0], x);
    UNROLL for (int i = 1; i < 4; ++i) {
      x = vsubq_u8(x, quarter);
      found = vqtbx4q_u8(found, quarters_[i], x);
    }
    return found;
  }

 private:
  uint8x16x4_t quarters_[4];
};

#endif

}  // namespace

void look_up(const uint8_t* table, const uint8_t* from, uint8_t* to, int64_t count) {
  int64_t i = 0;
#if defined(TFN_SHUFFLED_TABLE) || defined(TFN_WHOLE_TABLE)
  if (count >= Table::kLeast) {
    const Table vectors(table);
    for (; i + Table::kVector <= count; i += Table::kVector) {
      ByteVec x;
      memcpy(&x, from + i, sizeof x);
      x = vectors.at(x);
      memcpy(to + i, &x, sizeof x);
    }
  }
#endif
  for (; i < count; ++i) to[i] = table[from[i]];
}

}  // namespace TFN_NAMESPACE
