// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What reductions join numbers with.
#pragma once

#include "simd_math.h"

namespace TFN_NAMESPACE {

// The narrowest vector: the lanes of a Vec are joined four at a time.
typedef float Quad __attribute__((vector_size(16)));

// All bits set, as comparisons set them, are a NaN.
template <typename Vector, typename Mask>
INLINE Vector nan_where(Mask mask, Vector x) {
  return (Vector)((Mask)x | mask);
}

// `join` takes a Vec or a Quad. `neutral` gives lanes that change nothing when they
// are joined with `x`. kRounds: results depend on the order.
struct Sum {
  static constexpr bool kRounds = true;
  template <typename Vector>
  static INLINE Vector join(Vector a, Vector x) {
    return a + x;
  }
  static INLINE Vec neutral(Vec) { return Vec{}; }
};

// The comparisons take `x` if it is NaN: one instruction of most CPUs.
struct Largest {
  static constexpr bool kRounds = false;
  template <typename Vector>
  static INLINE Vector join(Vector a, Vector x) {
    return nan_where<Vector>(a != a, a > x ? a : x);
  }
  static INLINE Vec neutral(Vec x) { return broadcast(x[0]); }
};

// Takes the other one if either is NaN.
struct LargestNumber {
  static constexpr bool kRounds = false;
  template <typename Vector>
  static INLINE Vector join(Vector a, Vector x) {
    const Vector larger = x > a ? x : a;
    return a != a ? x : larger;
  }
  static INLINE Vec neutral(Vec x) { return broadcast(x[0]); }
};

struct Smallest {
  static constexpr bool kRounds = false;
  template <typename Vector>
  static INLINE Vector join(Vector a, Vector x) {
    return nan_where<Vector>(a != a, a < x ? a : x);
  }
  static INLINE Vec neutral(Vec x) { return broadcast(x[0]); }
};

// Lanes [begin, end) of `x`, and others that change nothing.
template <typename Operation>
INLINE Vec only(Vec x, int64_t begin, int64_t end) {
  IntVec lane;
  UNROLL for (int i = 0; i < kLanes; ++i) lane[i] = i;
  const IntVec kept = (lane >= (int32_t)begin) & (lane < (int32_t)end);
  return kept ? x : Operation::neutral(x);
}

// All lanes in one.
template <typename Operation>
INLINE float join_lanes(Vec x) {
  float lanes[kLanes];
  store(lanes, x);
  Quad result, more;
  memcpy(&result, lanes, sizeof result);
  UNROLL for (int i = 4; i < kLanes; i += 4) {
    memcpy(&more, lanes + i, sizeof more);
    result = Operation::join(result, more);
  }
  result = Operation::join(result, Quad{result[2], result[3], result[0], result[1]});
  result = Operation::join(result, Quad{result[1], result[0], result[3], result[2]});
  return result[0];
}

}  // namespace TFN_NAMESPACE
