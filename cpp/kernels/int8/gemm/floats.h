// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Operations on vectors of floats that give the same bits on every machine.
#pragma once

#include "simd_math.h"

#if defined(__SSE__) && !defined(TFN_WIDE_VECTORS)
#include <immintrin.h>
#endif

namespace TFN_NAMESPACE {

// A product that is rounded before anything is added to it: with a fused instruction,
// which not all machines have, results would differ.
INLINE Vec rounded(Vec product) {
#if defined(TFN_WIDE_VECTORS)
  __asm__("" : "+m"(product));
#elif defined(__x86_64__)
  __asm__("" : "+v"(product));
#elif defined(__ARM_NEON)
  __asm__("" : "+w"(product));
#else
  __asm__("" : "+m"(product));
#endif
  return product;
}

// The smaller and the larger of two; `b` if either is NaN, or if they are equal. GCC 12
// takes two instructions or more for each without these.
#if defined(__AVX512F__) && !defined(TFN_WIDE_VECTORS)
INLINE Vec smaller(Vec a, Vec b) {
  return (Vec)_mm512_maskz_min_ps((__mmask16)-1, (__m512)a, (__m512)b);
}
INLINE Vec larger(Vec a, Vec b) {
  return (Vec)_mm512_maskz_max_ps((__mmask16)-1, (__m512)a, (__m512)b);
}
#elif defined(__AVX__) && !defined(TFN_WIDE_VECTORS)
INLINE Vec smaller(Vec a, Vec b) { return (Vec)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE Vec larger(Vec a, Vec b) { return (Vec)_mm256_max_ps((__m256)a, (__m256)b); }
#elif defined(__SSE__) && !defined(TFN_WIDE_VECTORS)
INLINE Vec smaller(Vec a, Vec b) { return (Vec)_mm_min_ps((__m128)a, (__m128)b); }
INLINE Vec larger(Vec a, Vec b) { return (Vec)_mm_max_ps((__m128)a, (__m128)b); }
#else
INLINE Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
#endif

// All lanes joined by an operation that does not care for their order. With a mask of
// all lanes, since GCC 12 warns of what is behind the intrinsics without one.
template <typename Join>
INLINE float joined_lanes(Vec x, Join join) {
  [[maybe_unused]] constexpr int kOtherPairs = 0x4E, kNeighbours = 0xB1;
#if defined(__AVX512F__) && !defined(TFN_WIDE_VECTORS)
  constexpr __mmask16 kAll = 0xFFFF;
  x = join(x, (Vec)_mm512_maskz_shuffle_f32x4(kAll, (__m512)x, (__m512)x, kOtherPairs));
  x = join(x, (Vec)_mm512_maskz_shuffle_f32x4(kAll, (__m512)x, (__m512)x, kNeighbours));
  x = join(x, (Vec)_mm512_maskz_permute_ps(kAll, (__m512)x, kOtherPairs));
  x = join(x, (Vec)_mm512_maskz_permute_ps(kAll, (__m512)x, kNeighbours));
  return x[0];
#elif defined(__AVX__) && !defined(TFN_WIDE_VECTORS)
  x = join(x, (Vec)_mm256_permute2f128_ps((__m256)x, (__m256)x, 1));
  x = join(x, (Vec)_mm256_permute_ps((__m256)x, kOtherPairs));
  x = join(x, (Vec)_mm256_permute_ps((__m256)x, kNeighbours));
  return x[0];
#else
  float line[2 * kLanes];
  store(line + kLanes, x);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    store(line, x);
    x = join(x, load(line + width));
  }
  return x[0];
#endif
}

}  // namespace TFN_NAMESPACE
