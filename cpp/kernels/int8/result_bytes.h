// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Several vectors of results to bytes at once, by instructions that saturate where a
// CPU level has them; and bytes to vectors.
#pragma once

#include "int8/gemm/form.h"
#include "int8/requantize.h"

#if defined(__AVX512BW__) && !defined(TFN_WIDE_VECTORS)
#define TFN_BYTES_MASKED
#elif defined(__AVX2__) && !defined(TFN_LANES_16)
#define TFN_BYTES_AVX2
#elif defined(__SSE4_1__) && !defined(TFN_LANES_16) && !defined(__AVX__)
#define TFN_BYTES_SSE
#elif defined(__ARM_NEON) && !defined(TFN_LANES_16)
#define TFN_BYTES_NEON
#endif

namespace TFN_NAMESPACE {

// Most vectors that are stored together, and whether some of the last one's numbers can
// be left out.
#if defined(TFN_BYTES_MASKED)
constexpr int kByteVectors = 4;
constexpr bool kStoresParts = true;
#else
constexpr int kByteVectors = 2;
constexpr bool kStoresParts = false;
#endif

#if defined(TFN_BYTES_MASKED)

// With a mask of all numbers, since GCC 12 warns of what is behind the intrinsics
// without one.
constexpr __mmask64 kAll = ~(__mmask64)0;

// The first numbers of 64; one bit each.
INLINE uint64_t first_bits(int64_t count) {
  return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

// Numbers of `count` bytes, at most as many as a vector has, and zeros.
INLINE IntVec load_bytes(const uint8_t* from, int64_t count) {
  const __mmask16 mask = (__mmask16)first_bits(count < 0 ? 0 : count);
  const __m128i bytes = _mm_maskz_loadu_epi8(mask, from);
  return (IntVec)_mm512_maskz_cvtepu8_epi32((__mmask16)kAll, bytes);
}

#else

// As many bytes as a vector has numbers. Of the conversion that compilers have for
// this, GCC 12 makes one of each number.
INLINE IntVec load_bytes(const uint8_t* from, int64_t) {
#if defined(TFN_BYTES_AVX2)
  return (IntVec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
#elif defined(TFN_BYTES_SSE)
  int32_t bytes;
  memcpy(&bytes, from, sizeof bytes);
  return (IntVec)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
#elif defined(TFN_BYTES_NEON)
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

#endif

#if defined(TFN_BYTES_MASKED) || defined(TFN_BYTES_AVX2) || defined(TFN_BYTES_SSE)

// As Requantize, with less work: what does not fit saturates on its way from 32 bits to
// 16 and to 8. Too small numbers are converted to the smallest one, as is NaN, and too
// large ones would be.
class ResultBytes {
 public:
  explicit ResultBytes(const tfn_requantize& p)
      : zero_(_mm_set1_epi16((int16_t)p.zero)),
        low_(_mm_set1_epi8((char)p.low)),
        high_(_mm_set1_epi8((char)p.high)) {}

  // Stores N vectors, or `count` numbers of them if parts can be stored.
  template <int N>
  INLINE void store(const Vec (&x)[N], uint8_t* to, int64_t count) const {
#if defined(TFN_BYTES_MASKED)
    const __m512i first = words(x[0], x[N > 1]);
    const __m512i second = N > 2 ? words(x[N > 2 ? 2 : 0], x[N > 2 ? 3 : 0]) : first;
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i q = _mm512_maskz_packus_epi16(kAll, first, second);
    q = _mm512_maskz_permutexvar_epi32((__mmask16)kAll, order, q);
    q = _mm512_maskz_max_epu8(kAll, q, _mm512_maskz_broadcastb_epi8(kAll, low_));
    q = _mm512_maskz_min_epu8(kAll, q, _mm512_maskz_broadcastb_epi8(kAll, high_));
    _mm512_mask_storeu_epi8(to, first_bits(count), q);
#elif defined(TFN_BYTES_AVX2)
    (void)count;
    const __m256i words =
        _mm256_adds_epi16(_mm256_packs_epi32(whole(x[0]), whole(x[N - 1])),
                          _mm256_broadcastw_epi16(zero_));
    const __m256i mixed = _mm256_packus_epi16(words, words);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    store_clamped<N>(_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(mixed, order)),
                     to);
#else
    (void)count;
    const __m128i words =
        _mm_adds_epi16(_mm_packs_epi32(whole(x[0]), whole(x[N - 1])), zero_);
    store_clamped<N>(_mm_packus_epi16(words, words), to);
#endif
  }

 private:
  static INLINE Vec not_too_large(Vec x) { return smaller(x, broadcast(0x1p20f)); }

#if defined(TFN_BYTES_MASKED)
  static INLINE __m512i whole(Vec x) {
    return _mm512_maskz_cvtps_epi32((__mmask16)kAll, (__m512)not_too_large(x));
  }
  INLINE __m512i words(Vec a, Vec b) const {
    constexpr __mmask32 kWords = (__mmask32)kAll;
    return _mm512_maskz_adds_epi16(kWords,
                                   _mm512_maskz_packs_epi32(kWords, whole(a), whole(b)),
                                   _mm512_maskz_broadcastw_epi16(kWords, zero_));
  }
#else
#if defined(TFN_BYTES_AVX2)
  static INLINE __m256i whole(Vec x) {
    return _mm256_cvtps_epi32((__m256)not_too_large(x));
  }
#else
  static INLINE __m128i whole(Vec x) {
    return _mm_cvtps_epi32((__m128)not_too_large(x));
  }
#endif
  template <int N>
  INLINE void store_clamped(__m128i q, uint8_t* to) const {
    q = _mm_min_epu8(_mm_max_epu8(q, low_), high_);
    memcpy(to, &q, N * kLanes);
  }
#endif

  const __m128i zero_, low_, high_;
};

#else

class ResultBytes {
 public:
  explicit ResultBytes(const tfn_requantize& p) : requantize_(p) {}

  // Stores N vectors.
  template <int N>
  INLINE void store(const Vec (&x)[N], uint8_t* to, int64_t) const {
#if defined(TFN_BYTES_NEON)
    const uint16x4_t first = vmovn_u32((uint32x4_t)requantize_(x[0]));
    const uint16x4_t second =
        N > 1 ? vmovn_u32((uint32x4_t)requantize_(x[N - 1])) : first;
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(first, second));
    memcpy(to, &bytes, N * kLanes);
#else
    typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
    for (int v = 0; v < N; ++v) {
      const Bytes bytes = __builtin_convertvector(requantize_(x[v]), Bytes);
      memcpy(to + v * kLanes, &bytes, sizeof bytes);
    }
#endif
  }

 private:
  const Requantize requantize_;
};

#endif

}  // namespace TFN_NAMESPACE
