// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Between vectors of whole numbers and a few bytes.
#pragma once

#include "gemm/int8_form.h"

namespace TFN_NAMESPACE {

// Vectors whose numbers are stored together: as many as instructions narrow at once.
constexpr int kByteVectors = kLanes == 16 ? 1 : 2;
constexpr int kBytesTogether = kByteVectors * kLanes;

// Stores whole numbers of 0 to 255 as kBytesTogether bytes.
INLINE void store_bytes(uint8_t* to, const IntVec (&q)[kByteVectors]) {
#if defined(__AVX__) && !defined(TFN_LANES_16)
  const __m256i low = (__m256i)q[0], high = (__m256i)q[1];
  const __m128i first =
      _mm_packs_epi32(_mm256_castsi256_si128(low), _mm256_extractf128_si256(low, 1));
  const __m128i second =
      _mm_packs_epi32(_mm256_castsi256_si128(high), _mm256_extractf128_si256(high, 1));
  _mm_storeu_si128((__m128i*)to, _mm_packus_epi16(first, second));
#elif defined(__SSE2__) && !defined(TFN_LANES_16)
  const __m128i words = _mm_packs_epi32((__m128i)q[0], (__m128i)q[1]);
  _mm_storel_epi64((__m128i*)to, _mm_packus_epi16(words, words));
#elif defined(__ARM_NEON) && !defined(TFN_LANES_16)
  const uint16x8_t words =
      vcombine_u16(vmovn_u32((uint32x4_t)q[0]), vmovn_u32((uint32x4_t)q[1]));
  const uint8x8_t bytes = vmovn_u16(words);
  memcpy(to, &bytes, sizeof bytes);
#else
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  for (int v = 0; v < kByteVectors; ++v) {
    const Bytes bytes = __builtin_convertvector(q[v], Bytes);
    memcpy(to + v * kLanes, &bytes, sizeof bytes);
  }
#endif
}

// As many bytes as a vector has numbers. Of the conversion that compilers have for
// this, GCC 12 makes one of each number.
INLINE IntVec load_bytes(const uint8_t* from) {
#if defined(__AVX512F__) && !defined(TFN_WIDE_VECTORS)
  constexpr __mmask16 kAll = 0xFFFF;  // Without a mask, GCC 12 warns.
  return (IntVec)_mm512_maskz_cvtepu8_epi32(kAll,
                                            _mm_loadu_si128((const __m128i*)from));
#elif defined(__AVX2__) && !defined(TFN_WIDE_VECTORS)
  return (IntVec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
#elif defined(__SSE4_1__) && !defined(TFN_WIDE_VECTORS)
  int32_t bytes;
  memcpy(&bytes, from, sizeof bytes);
  return (IntVec)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
#elif defined(__ARM_NEON) && !defined(TFN_WIDE_VECTORS)
  uint32_t bytes;
  memcpy(&bytes, from, sizeof bytes);
  const uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes)));
  return (IntVec)vmovl_u16(vget_low_u16(words));
#else
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  Bytes bytes;
  memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, IntVec);
#endif
}

}  // namespace TFN_NAMESPACE
