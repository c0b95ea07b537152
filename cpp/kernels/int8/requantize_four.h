// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Requantizes four vectors to as many bytes.
#pragma once

#include "int8/bytes.h"
#include "int8/requantize.h"

namespace TFN_NAMESPACE {

#if !defined(TFN_BYTES_PORTABLE) && !defined(TFN_BYTES_NEON)

// Whole numbers saturate when they are packed, to 16 bits and to bytes. What is too
// small for 32 bits becomes the smallest number; what is too large has to be made
// smaller.
class RequantizeFour {
 public:
  explicit RequantizeFour(const tfn_requantize& p)
      : zero_((int16_t)p.zero - Words{}),
        low_((uint8_t)p.low - ByteVec{}),
        high_((uint8_t)p.high - ByteVec{}) {}

  // `x` must not be products that are not rounded yet: see rounded().
  INLINE void operator()(uint8_t* to, const Vec (&x)[4]) const {
    Vec capped[4];
    UNROLL for (int i = 0; i < 4; ++i) capped[i] = smaller(x[i], broadcast(kCap));
    small(to, capped);
  }

  // The same of numbers less than 2^31.
  INLINE void small(uint8_t* to, const Vec (&x)[4]) const {
    const Words a = pack(round(x[0]), round(x[1])) + zero_;
    const Words b = pack(round(x[2]), round(x[3])) + zero_;
    const ByteVec bytes = clamp(pack(a, b));
    const IntVec ordered = in_order((IntVec)bytes);
    memcpy(to, &ordered, sizeof ordered);
  }

 private:
  typedef int16_t Words __attribute__((vector_size(kLanes * 4)));
  typedef uint8_t ByteVec __attribute__((vector_size(kLanes * 4)));
  static constexpr float kCap = 1024;

  INLINE ByteVec clamp(ByteVec x) const {
    x = x > low_ ? x : low_;
    return x < high_ ? x : high_;
  }

#if defined(TFN_BYTES_512)
  static INLINE IntVec round(Vec x) {
    return (IntVec)_mm512_maskz_cvtps_epi32((__mmask16)-1, (__m512)x);
  }
  static INLINE Words pack(IntVec a, IntVec b) {
    return (Words)_mm512_packs_epi32((__m512i)a, (__m512i)b);
  }
  static INLINE ByteVec pack(Words a, Words b) {
    return (ByteVec)_mm512_packus_epi16((__m512i)a, (__m512i)b);
  }
#elif defined(TFN_BYTES_256)
  static INLINE IntVec round(Vec x) { return (IntVec)_mm256_cvtps_epi32((__m256)x); }
  static INLINE Words pack(IntVec a, IntVec b) {
    return (Words)_mm256_packs_epi32((__m256i)a, (__m256i)b);
  }
  static INLINE ByteVec pack(Words a, Words b) {
    return (ByteVec)_mm256_packus_epi16((__m256i)a, (__m256i)b);
  }
#else
  static INLINE IntVec round(Vec x) { return (IntVec)_mm_cvtps_epi32((__m128)x); }
  static INLINE Words pack(IntVec a, IntVec b) {
    return (Words)_mm_packs_epi32((__m128i)a, (__m128i)b);
  }
  static INLINE ByteVec pack(Words a, Words b) {
    return (ByteVec)_mm_packus_epi16((__m128i)a, (__m128i)b);
  }
#endif

  const Words zero_;
  const ByteVec low_, high_;
};

#else

class RequantizeFour {
 public:
  explicit RequantizeFour(const tfn_requantize& p) : requantize_(p) {}

  INLINE void operator()(uint8_t* to, const Vec (&x)[4]) const {
    IntVec q[4];
    UNROLL for (int i = 0; i < 4; ++i) q[i] = requantize_(x[i]);
    store_bytes(to, q);
  }
  INLINE void small(uint8_t* to, const Vec (&x)[4]) const { (*this)(to, x); }

 private:
  const Requantize requantize_;
};

#endif

}  // namespace TFN_NAMESPACE
