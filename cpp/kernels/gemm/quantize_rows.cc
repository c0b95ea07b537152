// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/quantize_rows.h"

#include <math.h>

namespace TFN_NAMESPACE {
namespace {

// A row, whose elements are `stride` apart.
struct Row {
  const float* data;
  int64_t k, stride;
};

// Elements from `at` on, and zeros behind the last.
inline Vec load_part(const Row& row, int64_t at) {
  if (row.stride == 1 && at + kLanes <= row.k) return load(row.data + at);
  float line[kLanes] = {};
  for (int64_t i = 0; i < kLanes && at + i < row.k; ++i) {
    line[i] = row.data[(at + i) * row.stride];
  }
  return load(line);
}

struct Interval {
  float low, high;
};

// `finite` stays 0 unless it meets a number that is not finite.
struct Extremes {
  Vec low, high, finite;

  INLINE void add(Vec x) {
    low = x < low ? x : low;
    high = x > high ? x : high;
    finite *= x;
  }
};

// The least and the largest element and 0; NaN if there is one, or an infinity.
Interval find_range(const Row& row) {
  constexpr int kChains = 4;  // That do not wait for each other.
  Extremes found[kChains] = {};
  int64_t at = 0;
  if (row.stride == 1) {
    for (; at + kChains * kLanes <= row.k; at += kChains * kLanes) {
      UNROLL for (int c = 0; c < kChains; ++c) {
        found[c].add(load(row.data + at + c * kLanes));
      }
    }
  }
  for (; at < row.k; at += kLanes) found[0].add(load_part(row, at));
  Interval range = {0, 0};
  for (const Extremes& of_chain : found) {
    float low[kLanes], high[kLanes], finite[kLanes];
    store(low, of_chain.low), store(high, of_chain.high);
    store(finite, of_chain.finite);
    for (int i = 0; i < kLanes; ++i) {
      if (!(finite[i] == 0)) return {NAN, NAN};
      range.low = low[i] < range.low ? low[i] : range.low;
      range.high = high[i] > range.high ? high[i] : range.high;
    }
  }
  return range;
}

// x * inverse, rounded to a whole number: adding 1.5 * 2^23 leaves it in the low bits.
INLINE IntVec scaled(Vec x, Vec inverse) {
  const Vec magic = broadcast(12582912.0f);
  const Vec shifted = rounded(x * inverse) + magic;
  IntVec bits, bits_of_magic;
  memcpy(&bits, &shifted, sizeof bits);
  memcpy(&bits_of_magic, &magic, sizeof magic);
  return bits - bits_of_magic;
}

INLINE IntVec clamped(IntVec q) {
  const IntVec most = 255 - IntVec{};
  q = q < 0 ? IntVec{} : q;
  return q > most ? most : q;
}

// Stores whole vectors of numbers of 0 to 255 in the form of this CPU level.
INLINE uint8_t* store_quantized(uint8_t* to, IntVec q) {
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  const Bytes bytes = __builtin_convertvector(q - kActivationBias, Bytes);
#if defined(TFN_INT8_WORDS)
  uint32_t groups[kLanes / 4];
  memcpy(groups, &bytes, sizeof bytes);
  UNROLL for (int g = 0; g < kLanes / 4; ++g) {
    const uint32_t pairs[2] = {groups[g] & 0xFF00FF, groups[g] >> 8 & 0xFF00FF};
    memcpy(to + g * kGroupBytes, pairs, sizeof pairs);
  }
#else
  memcpy(to, &bytes, sizeof bytes);
#endif
  return to + kLanes / 4 * kGroupBytes;
}

// A number of 255 steps, of which each is a normal number, as is its inverse.
constexpr float kLeastRange = 0x1p-117f;

// One step, and how many there are in 1; 0 and 0 if the range counts as nothing, and
// NaN if it is none.
struct Steps {
  float scale, inverse;
};

inline Steps steps_of(Interval range) {
  const float size = range.high - range.low;
  if (size < kLeastRange) return {0, 0};
  if (size <= FLT_MAX) return {size / 255, 255 / size};
  const float half = range.high * 0.5f - range.low * 0.5f;
  return {half / 127.5f, 127.5f / half};
}

RowRange quantize_row(const Row& row, uint8_t* to) {
  const Interval range = find_range(row);
  const Steps steps = steps_of(range);
  if (!(steps.scale > 0)) {  // Or NaN, which is in no number.
    memset(to, 0, (size_t)quantized_bytes(row.k));
    return {steps.scale, 0};
  }
  const Vec inverse = broadcast(steps.inverse);
  const IntVec zero = clamped(scaled(broadcast(-range.low), inverse));
  int64_t at = 0;
  if (row.stride == 1) {
    for (; at + kLanes <= row.k; at += kLanes) {
      to = store_quantized(to, clamped(scaled(load(row.data + at), inverse) + zero));
    }
  }
  for (; at < row.k; at += kLanes) {
    to = store_quantized(to, clamped(scaled(load_part(row, at), inverse) + zero));
  }
  return {steps.scale, zero[0] - kActivationBias};
}

}  // namespace

void quantize_rows(int64_t count, int64_t k, MatrixView<const float> from, uint8_t* to,
                   RowRange* ranges) {
  for (int64_t i = 0; i < count; ++i) {
    const Row row = {from.data + i * from.row_stride, k, from.col_stride};
    ranges[i] = quantize_row(row, to + i * quantized_bytes(k));
  }
}

}  // namespace TFN_NAMESPACE
