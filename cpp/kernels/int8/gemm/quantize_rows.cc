// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/gemm/quantize_rows.h"

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

// Of the elements in each lane, and 0. `finite` stays 0 unless one is not finite.
struct Extremes {
  Vec low, high, finite;

  INLINE void add(Vec x) { add({x, x, x}); }
  INLINE void add(const Extremes& other) {
    low = smaller(other.low, low);
    high = larger(other.high, high);
    finite *= other.finite;
  }
};

INLINE Extremes find_extremes(const Row& row) {
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
  UNROLL for (int c = 1; c < kChains; ++c) found[0].add(found[c]);
  return found[0];
}

// The least and the largest element and 0; NaN if there is one, or an infinity.
Interval find_range(const Row& row) {
  const Extremes found = find_extremes(row);
  const auto add = [](Vec a, Vec b) { return a + b; };
  if (!(joined_lanes(found.finite, add) == 0)) return {NAN, NAN};
  return {joined_lanes(found.low, smaller), joined_lanes(found.high, larger)};
}

// Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
constexpr float kMagic = 12582912.0f;
constexpr int32_t kBitsOfMagic = 0x4B400000;

// x * inverse, rounded to a whole number, plus `zero`: 255 at most. It is not negative,
// since none of these steps changes an order, and the least x gives 0.
INLINE IntVec quantized(Vec x, Vec inverse, IntVec zero_less_bits) {
  const Vec shifted = rounded(x * inverse) + broadcast(kMagic);
  IntVec bits;
  memcpy(&bits, &shifted, sizeof bits);
  const IntVec q = bits + zero_less_bits, most = 255 - IntVec{};
  return q > most ? most : q;
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
  const IntVec no_zero = IntVec{} - kBitsOfMagic;
  const int32_t zero = quantized(broadcast(-range.low), inverse, no_zero)[0];
  const IntVec zero_less_bits = no_zero + zero;
  const auto put = [&](int64_t at, Vec x) {
    store_activations(to + at / 4 * kGroupBytes, quantized(x, inverse, zero_less_bits));
  };
  int64_t at = 0;
  if (row.stride == 1) {
    for (; at + kLanes <= row.k; at += kLanes) put(at, load(row.data + at));
  }
  for (; at < row.k; at += kLanes) put(at, load_part(row, at));
  return {steps.scale, zero - kActivationBias};
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
