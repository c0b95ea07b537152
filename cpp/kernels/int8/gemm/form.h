// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How a CPU level holds quantized activations, and multiplies a group of four of them
// with a vector of weights. All forms give the same sums: none saturates.
#pragma once

#include "simd_math.h"

#if defined(TFN_WIDE_VECTORS)
#define TFN_INT8_PORTABLE
#elif (defined(__AVX512VNNI__) && defined(__AVX512F__)) || \
    (defined(__AVXVNNI__) && !defined(__AVX512F__))
#define TFN_INT8_DOT_X86
#elif defined(__ARM_FEATURE_DOTPROD)
#define TFN_INT8_DOT_ARM
#elif defined(__SSE2__)
#define TFN_INT8_WORDS
#elif defined(__ARM_NEON)
#define TFN_INT8_NEON
#else
#define TFN_INT8_PORTABLE
#endif

#if defined(TFN_INT8_DOT_X86) && defined(__AMX_INT8__)
#define TFN_INT8_AMX
#endif

// Beside the dot product, an instruction that multiplies two rows with two columns.
#if defined(TFN_INT8_DOT_ARM) && defined(__ARM_FEATURE_MATMUL_INT8)
#define TFN_INT8_PAIRS_ARM
#endif

// TFN_MATRIX_MODEL, with wide vectors, has the code for a matrix unit tested on
// machines without one: each of its instructions is a few loops.
#if defined(TFN_INT8_AMX) || (defined(TFN_WIDE_VECTORS) && defined(TFN_MATRIX_MODEL))
#define TFN_INT8_MATRIX
#endif

#if defined(TFN_INT8_WORDS) || defined(TFN_INT8_DOT_X86)
#include <immintrin.h>
#elif defined(TFN_INT8_NEON) || defined(TFN_INT8_DOT_ARM)
#include <arm_neon.h>
#endif

namespace TFN_NAMESPACE {

// Rows that the matrix unit of a CPU level takes at once, and how many activations of a
// row are worth that. There is one if TFN_INT8_MATRIX is set.
constexpr int64_t kMatrixRows = 16, kLeastMatrixK = 33;
#if defined(TFN_INT8_MATRIX)
constexpr bool kHasInt8Matrix = true;
#else
constexpr bool kHasInt8Matrix = false;
#endif

inline IntVec load_ints(const void* from) {
  IntVec value;
  memcpy(&value, from, sizeof value);
  return value;
}

// Four bytes, in every lane.
inline IntVec broadcast_group(const uint8_t* from) {
  int32_t group;
  memcpy(&group, from, sizeof group);
  return group - IntVec{};
}

#if defined(TFN_INT8_WORDS)

// Activations in 16 bits, in the order 0, 2, 1, 3, and weights widened alike, for the
// instruction that multiplies and adds neighbouring pairs: sums of two products of 8
// bits always fit it, which they do not in the one for bytes.
constexpr int kGroupBytes = 8;
constexpr int kActivationBias = 0;

typedef IntVec Sum;

struct Weights {
  IntVec even, odd;
};
struct Activations {
  IntVec even, odd;
};

INLINE Weights load_weights(const int8_t* from) {
  typedef int16_t Words __attribute__((vector_size(kLanes * 4)));
  const Words pairs = (Words)load_ints(from);
  return {(IntVec)((Words)(pairs << 8) >> 8), (IntVec)(pairs >> 8)};
}

INLINE Activations load_activations(const uint8_t* from) {
  return {broadcast_group(from), broadcast_group(from + 4)};
}

INLINE IntVec add_pairs(IntVec a, IntVec b) {
#if defined(__AVX512F__)
  return (IntVec)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (IntVec)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__AVX__)
  const __m128i low = _mm_madd_epi16(_mm256_castsi256_si128((__m256i)a),
                                     _mm256_castsi256_si128((__m256i)b));
  const __m128i high = _mm_madd_epi16(_mm256_extractf128_si256((__m256i)a, 1),
                                      _mm256_extractf128_si256((__m256i)b, 1));
  return (IntVec)_mm256_insertf128_si256(_mm256_castsi128_si256(low), high, 1);
#else
  return (IntVec)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
}

INLINE void add_products(Sum& sum, const Activations& x, const Weights& w) {
  sum += add_pairs(x.even, w.even);
  sum += add_pairs(x.odd, w.odd);
}

// Stores a vector of activations, numbers of 0 to 255, in the form of this CPU level.
INLINE void store_activations(uint8_t* to, IntVec q) {
  constexpr int kOrder = 0xD8;  // 0, 2, 1, 3 of each four.
#if defined(__AVX512F__)
  typedef int16_t Words __attribute__((vector_size(kLanes * 2)));
  const __m256i words = (__m256i) __builtin_convertvector(q, Words);
  _mm256_storeu_si256((__m256i*)to, _mm256_shufflehi_epi16(
                                        _mm256_shufflelo_epi16(words, kOrder), kOrder));
#elif defined(__AVX__)
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)q),
                                        _mm256_extractf128_si256((__m256i)q, 1));
  _mm_storeu_si128((__m128i*)to,
                   _mm_shufflehi_epi16(_mm_shufflelo_epi16(words, kOrder), kOrder));
#else
  const __m128i words = _mm_packs_epi32((__m128i)q, (__m128i)q);
  _mm_storel_epi64((__m128i*)to, _mm_shufflelo_epi16(words, kOrder));
#endif
}

INLINE IntVec total(const Sum& sum) { return sum; }

#elif defined(TFN_INT8_NEON)

// Activations less 128: two products of signed bytes fit 16 bits. A sum has the first
// two columns' even and odd places, and those of the other two.
constexpr int kGroupBytes = 4;
constexpr int kActivationBias = 128;

struct Sum {
  int32x4_t low, high;
};
typedef int8x16_t Weights;
typedef int8x8_t Activations;

INLINE Weights load_weights(const int8_t* from) { return vld1q_s8(from); }

INLINE Activations load_activations(const uint8_t* from) {
  int32_t group;
  memcpy(&group, from, sizeof group);
  return vreinterpret_s8_s32(vdup_n_s32(group));
}

INLINE void add_products(Sum& sum, const Activations& x, const Weights& w) {
  sum.low = vpadalq_s16(sum.low, vmull_s8(vget_low_s8(w), x));
  sum.high = vpadalq_s16(sum.high, vmull_s8(vget_high_s8(w), x));
}

INLINE IntVec total(const Sum& sum) {
  const int32x2_t low = vpadd_s32(vget_low_s32(sum.low), vget_high_s32(sum.low));
  const int32x2_t high = vpadd_s32(vget_low_s32(sum.high), vget_high_s32(sum.high));
  return (IntVec)vcombine_s32(low, high);
}

#else

// One instruction for each group, or what it stands for.
constexpr int kGroupBytes = 4;
#if defined(TFN_INT8_DOT_ARM)
constexpr int kActivationBias = 128;  // Both sides are signed.
#else
constexpr int kActivationBias = 0;
#endif

typedef IntVec Sum;
typedef IntVec Weights;
typedef IntVec Activations;

INLINE Weights load_weights(const int8_t* from) { return load_ints(from); }

INLINE Activations load_activations(const uint8_t* from) {
  return broadcast_group(from);
}

// In assembly, since with the intrinsics GCC 12 keeps the sums in memory.
INLINE void add_products(Sum& sum, const Activations& x, const Weights& w) {
#if defined(TFN_INT8_DOT_X86) && defined(__AVX512F__)
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
#elif defined(TFN_INT8_DOT_X86)
  __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
#elif defined(TFN_INT8_DOT_ARM)
  sum = (IntVec)vdotq_s32((int32x4_t)sum, (int8x16_t)w, (int8x16_t)x);
#else
  for (int i = 0; i < 4; ++i) {
    sum += ((x >> (8 * i)) & 255) * ((IntVec)(w << (24 - 8 * i)) >> 24);
  }
#endif
}

INLINE IntVec total(const Sum& sum) { return sum; }

#endif

#if !defined(TFN_INT8_WORDS)

// Stores a vector of activations, numbers of 0 to 255, in the form of this CPU level.
INLINE void store_activations(uint8_t* to, IntVec q) {
#if defined(TFN_INT8_DOT_X86) && !defined(__AVX512F__)
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)q),
                                        _mm256_extractf128_si256((__m256i)q, 1));
  _mm_storel_epi64((__m128i*)to, _mm_packus_epi16(words, words));
#elif defined(TFN_INT8_NEON) || defined(TFN_INT8_DOT_ARM)
  const int16x4_t words = vmovn_s32((int32x4_t)(q - kActivationBias));
  const int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
  memcpy(to, &bytes, kLanes);
#else
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  const Bytes bytes = __builtin_convertvector(q, Bytes);
  memcpy(to, &bytes, sizeof bytes);
#endif
}

#endif

}  // namespace TFN_NAMESPACE
