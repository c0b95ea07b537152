// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Between the bytes of quantized arrays and vectors of whole numbers.
#pragma once

#include "simd_math.h"

// Which instructions there are for bytes of vectors as wide as this level's: of 512,
// 256 or 128 bits. A CPU may have such vectors of floats only.
#if defined(TFN_WIDE_VECTORS)
#define TFN_BYTES_PORTABLE
#elif defined(__AVX512BW__)
#define TFN_BYTES_512
#elif defined(__AVX2__) && !defined(__AVX512F__)
#define TFN_BYTES_256
#elif defined(__SSE4_1__) && !defined(__AVX__)
#define TFN_BYTES_128
#elif defined(__ARM_NEON)
#define TFN_BYTES_NEON
#else
#define TFN_BYTES_PORTABLE
#endif

#if defined(TFN_BYTES_NEON)
#include <arm_neon.h>
#elif !defined(TFN_BYTES_PORTABLE)
#include <immintrin.h>
#endif

namespace TFN_NAMESPACE {

typedef uint8_t Bytes __attribute__((vector_size(kLanes)));

// As many bytes as a vector has lanes, unaligned. Of 512 bits, with a mask of all
// lanes, since GCC 12 warns of what is behind the intrinsics without one.
INLINE IntVec load_bytes(const uint8_t* from) {
#if defined(TFN_BYTES_PORTABLE)
  Bytes bytes;
  memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, IntVec);
#elif defined(TFN_BYTES_512)
  return (IntVec)_mm512_maskz_cvtepu8_epi32((__mmask16)-1,
                                            _mm_loadu_si128((const __m128i*)from));
#elif defined(TFN_BYTES_256)
  return (IntVec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
#elif defined(TFN_BYTES_128)
  int32_t four;
  memcpy(&four, from, sizeof four);
  return (IntVec)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
#else
  uint32_t four;
  memcpy(&four, from, sizeof four);
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
  return (IntVec)vmovl_u16(vget_low_u16(vmovl_u8(bytes)));
#endif
}

// The first `count` of them, and zeros.
INLINE IntVec load_some_bytes(const uint8_t* from, int64_t count) {
  uint8_t line[kLanes] = {};
  memcpy(line, from, (size_t)count);
  return load_bytes(line);
}

// Numbers of 0 to 255.
INLINE void store_bytes(uint8_t* to, IntVec q) {
#if defined(TFN_BYTES_PORTABLE) || defined(TFN_BYTES_512)
  const Bytes bytes = __builtin_convertvector(q, Bytes);
#elif defined(TFN_BYTES_256)
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)q),
                                        _mm256_extracti128_si256((__m256i)q, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
#elif defined(TFN_BYTES_128)
  const __m128i words = _mm_packs_epi32((__m128i)q, (__m128i)q);
  const __m128i bytes = _mm_packus_epi16(words, words);
#else
  const int16x4_t words = vmovn_s32((int32x4_t)q);
  const int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
#endif
  memcpy(to, &bytes, kLanes);
}

INLINE void store_some_bytes(uint8_t* to, IntVec q, int64_t count) {
  uint8_t line[kLanes];
  store_bytes(line, q);
  memcpy(to, line, (size_t)count);
}

// Four vectors that were packed to bytes, 128 bits at a time: one behind the other.
INLINE IntVec in_order(IntVec bytes) {
#if defined(TFN_BYTES_512)
  const __m512i order =
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return (IntVec)_mm512_maskz_permutexvar_epi32((__mmask16)-1, order, (__m512i)bytes);
#elif defined(TFN_BYTES_256)
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return (IntVec)_mm256_permutevar8x32_epi32((__m256i)bytes, order);
#else
  return bytes;
#endif
}

// The same for four vectors, one behind the other.
INLINE void store_bytes(uint8_t* to, const IntVec (&q)[4]) {
#if defined(TFN_BYTES_PORTABLE)
  UNROLL for (int i = 0; i < 4; ++i) store_bytes(to + i * kLanes, q[i]);
#elif defined(TFN_BYTES_512)
  const IntVec bytes = in_order(
      (IntVec)_mm512_packus_epi16(_mm512_packs_epi32((__m512i)q[0], (__m512i)q[1]),
                                  _mm512_packs_epi32((__m512i)q[2], (__m512i)q[3])));
  memcpy(to, &bytes, sizeof bytes);
#elif defined(TFN_BYTES_256)
  const IntVec bytes = in_order(
      (IntVec)_mm256_packus_epi16(_mm256_packs_epi32((__m256i)q[0], (__m256i)q[1]),
                                  _mm256_packs_epi32((__m256i)q[2], (__m256i)q[3])));
  memcpy(to, &bytes, sizeof bytes);
#elif defined(TFN_BYTES_128)
  const __m128i bytes = _mm_packus_epi16(_mm_packs_epi32((__m128i)q[0], (__m128i)q[1]),
                                         _mm_packs_epi32((__m128i)q[2], (__m128i)q[3]));
  memcpy(to, &bytes, sizeof bytes);
#else
  const int16x8_t low =
      vcombine_s16(vmovn_s32((int32x4_t)q[0]), vmovn_s32((int32x4_t)q[1]));
  const int16x8_t high =
      vcombine_s16(vmovn_s32((int32x4_t)q[2]), vmovn_s32((int32x4_t)q[3]));
  const int8x16_t bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
  memcpy(to, &bytes, sizeof bytes);
#endif
}

}  // namespace TFN_NAMESPACE
