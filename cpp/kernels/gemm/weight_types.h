// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What weights may be stored as, beside floats: they are widened in registers. None of
// them is an infinity or a NaN (the compiler has looked).
#pragma once

#include "simd_math.h"

// TFN_WIDE_VECTORS are wider than the registers.
#if defined(__AVX512F__)
#define TFN_WEIGHTS_512
#elif defined(__AVX2__) && defined(__F16C__) && !defined(TFN_WIDE_VECTORS)
#define TFN_WEIGHTS_256
#endif

#if defined(TFN_WEIGHTS_512) || defined(TFN_WEIGHTS_256)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace TFN_NAMESPACE {

// IEEE 754 binary16.
struct Half {
  uint16_t bits;
};

// The upper half of a float.
struct BFloat {
  uint16_t bits;
};

typedef uint16_t ShortVec __attribute__((vector_size(kLanes * 2)));
typedef int8_t ByteVec __attribute__((vector_size(kLanes)));
typedef uint32_t UnsignedVec __attribute__((vector_size(kLanes * 4)));

template <typename To, typename From>
INLINE To as(From from) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// kLanes weights that follow each other, as floats. Compilers find the instructions for
// it only where they are told to.
INLINE Vec load_widened(const float* from) { return load(from); }

#if defined(TFN_WEIGHTS_512)

// With a mask, since GCC 12 warns of what the forms without one begin with.
constexpr __mmask16 kAllLanes = 0xffff;

INLINE Vec load_widened(const BFloat* from) {
  const __m256i bits = _mm256_loadu_si256((const __m256i*)from);
  const __m512i wide = _mm512_maskz_cvtepu16_epi32(kAllLanes, bits);
  return as<Vec>(_mm512_maskz_slli_epi32(kAllLanes, wide, 16));
}

INLINE Vec load_widened(const int8_t* from) {
  const __m128i bytes = _mm_loadu_si128((const __m128i*)from);
  const __m512i wide = _mm512_maskz_cvtepi8_epi32(kAllLanes, bytes);
  return as<Vec>(_mm512_maskz_cvtepi32_ps(kAllLanes, wide));
}

INLINE Vec load_widened(const Half* from) {
  const __m256i bits = _mm256_loadu_si256((const __m256i*)from);
  return as<Vec>(_mm512_maskz_cvtph_ps(kAllLanes, bits));
}

#elif defined(TFN_WEIGHTS_256)

INLINE Vec load_widened(const BFloat* from) {
  const __m128i bits = _mm_loadu_si128((const __m128i*)from);
  return as<Vec>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

INLINE Vec load_widened(const int8_t* from) {
  const __m128i bytes = _mm_loadl_epi64((const __m128i*)from);
  return as<Vec>(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
}

INLINE Vec load_widened(const Half* from) {
  return as<Vec>(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from)));
}

#elif defined(__aarch64__)

INLINE Vec load_widened(const BFloat* from) {
  return as<Vec>(vshll_n_u16(vld1_u16((const uint16_t*)from), 16));
}

INLINE Vec load_widened(const int8_t* from) {
  int32_t four;
  memcpy(&four, from, sizeof four);
  const int16x8_t wider = vmovl_s8(vcreate_s8((uint32_t)four));
  return as<Vec>(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wider))));
}

INLINE Vec load_widened(const Half* from) {
  const uint16x4_t bits = vld1_u16((const uint16_t*)from);
  return as<Vec>(vcvt_f32_f16(vreinterpret_f16_u16(bits)));
}

#else

INLINE Vec load_widened(const BFloat* from) {
  ShortVec bits;
  memcpy(&bits, from, sizeof bits);
  return as<Vec>(__builtin_convertvector(bits, UnsignedVec) << 16);
}

INLINE Vec load_widened(const int8_t* from) {
  ByteVec bytes;
  memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(__builtin_convertvector(bytes, IntVec), Vec);
}

// The exponents of floats begin 112 lower. What is subnormal in binary16 has no leading
// one, which is put in and taken off again: read as a subnormal float, which is 2^112
// times less, it might count as zero.
INLINE Vec load_widened(const Half* from) {
  ShortVec halves;
  memcpy(&halves, from, sizeof halves);
  const UnsignedVec bits = __builtin_convertvector(halves, UnsignedVec);
  const UnsignedVec sign = (bits & 0x8000u) << 16, rest = (bits & 0x7fffu) << 13;
  const Vec normal = as<Vec>(rest + (112u << 23));
  const Vec small = as<Vec>(rest + (113u << 23)) - broadcast(0x1p-14f);
  const UnsignedVec is_small = (UnsignedVec)(rest < (1u << 23));
  return as<Vec>((as<UnsignedVec>(small) & is_small) |
                 (as<UnsignedVec>(normal) & ~is_small) | sign);
}

#endif

}  // namespace TFN_NAMESPACE
