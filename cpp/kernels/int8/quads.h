// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Bytes of four lines, interleaved: each channel has the four that are multiplied and
// added up together. As int8/gemm/form.h, but other activations in each lane.
#pragma once

#include "int8/gemm/form.h"

namespace TFN_NAMESPACE {

// Whether a sum and weights of a level with few registers take one each.
#if defined(TFN_INT8_WORDS) || defined(TFN_INT8_NEON)
constexpr bool kSmallSums = kRegisters > 16;
#else
constexpr bool kSmallSums = true;
#endif

#if defined(TFN_INT8_WORDS)

typedef Activations Quads;

// Without what is hidden, GCC 12 multiplies first, and adds when registers have run
// out.
INLINE void add_quads(Sum& sum, const Quads& x, const Weights& w) {
  sum += add_pairs(x.even, w.even);
  __asm__("" : "+v"(sum));
  sum += add_pairs(x.odd, w.odd);
  __asm__("" : "+v"(sum));
}

INLINE Quads load_quads(const uint8_t* from) {
  typedef uint16_t Words __attribute__((vector_size(kLanes * 4)));
  const IntVec quads = load_ints(from);
  return {quads & 0xFF00FF, (IntVec)((Words)quads >> 8)};
}

#elif defined(TFN_INT8_NEON)

typedef int8x16_t Quads;

// A sum that has numbers to begin with, in the lanes that total() adds up.
INLINE Sum sum_of(IntVec start) {
  const int32x4_t nothing = vdupq_n_s32(0);
  const int32x4x2_t both = vzipq_s32((int32x4_t)start, nothing);
  return {both.val[0], both.val[1]};
}

INLINE Quads load_quads(const uint8_t* from) {
  return vreinterpretq_s8_u8(vld1q_u8(from));
}

INLINE void add_quads(Sum& sum, const Quads& x, const Weights& w) {
  sum.low = vpadalq_s16(sum.low, vmull_s8(vget_low_s8(w), vget_low_s8(x)));
  sum.high = vpadalq_s16(sum.high, vmull_s8(vget_high_s8(w), vget_high_s8(x)));
}

#else

typedef Activations Quads;

INLINE Quads load_quads(const uint8_t* from) { return load_ints(from); }

INLINE void add_quads(Sum& sum, const Quads& x, const Weights& w) {
  add_products(sum, x, w);
}

#endif

#if !defined(TFN_INT8_NEON)
INLINE Sum sum_of(IntVec start) { return start; }
#endif

// Weights in the form that they are multiplied in: bytes of a quad, and how vectors of
// them are made of quads of weights and loaded.
#if defined(TFN_INT8_WORDS)
constexpr int64_t kWeightBytes = 8;

INLINE void store_weights(const uint8_t* quads, int64_t channels, uint8_t* to) {
  for (int64_t c = 0; c < channels; c += kLanes, to += sizeof(Weights)) {
    const Weights weights = load_weights((const int8_t*)quads + 4 * c);
    memcpy(to, &weights, sizeof weights);
  }
}

INLINE Weights load_stored(const uint8_t* from) {
  return {load_ints(from), load_ints(from + sizeof(IntVec))};
}
#else
constexpr int64_t kWeightBytes = 4;

INLINE void store_weights(const uint8_t* quads, int64_t channels, uint8_t* to) {
  memcpy(to, quads, (size_t)(4 * channels));
}

INLINE Weights load_stored(const uint8_t* from) {
  return load_weights((const int8_t*)from);
}
#endif

// What bytes are changed by, so that they are activations in the form of this level.
constexpr uint8_t kActivationBits = kActivationBias;

// to[channel][line] = from[line][channel] with some bits changed, for a multiple of 16
// channels.
template <uint8_t kBits>
INLINE void interleave(const uint8_t* const (&from)[4], int64_t channels, uint8_t* to) {
  int64_t c = 0;
#if defined(TFN_INT8_PORTABLE)
  for (; c < channels; ++c) {
    UNROLL for (int line = 0; line < 4; ++line) to[4 * c + line] =
        from[line][c] ^ kBits;
  }
#elif defined(__ARM_NEON)
  for (; c < channels; c += 16) {
    uint8x16x4_t lines;
    UNROLL for (int line = 0; line < 4; ++line) {
      lines.val[line] = veorq_u8(vld1q_u8(from[line] + c), vdupq_n_u8(kBits));
    }
    vst4q_u8(to + 4 * c, lines);
  }
#else
  static_assert(kBits == 0, "activations are not signed");
#if defined(__AVX2__)
  for (; c + 32 <= channels; c += 32) {
    __m256i line[4], quads[4];
    UNROLL for (int i = 0; i < 4; ++i) {
      line[i] = _mm256_loadu_si256((const __m256i*)(from[i] + c));
    }
    UNROLL for (int i = 0; i < 2; ++i) {
      const auto a = i == 0 ? _mm256_unpacklo_epi8(line[0], line[1])
                            : _mm256_unpackhi_epi8(line[0], line[1]);
      const auto b = i == 0 ? _mm256_unpacklo_epi8(line[2], line[3])
                            : _mm256_unpackhi_epi8(line[2], line[3]);
      quads[2 * i] = _mm256_unpacklo_epi16(a, b);
      quads[2 * i + 1] = _mm256_unpackhi_epi16(a, b);
    }
    // Each half has the quads of other channels.
    UNROLL for (int i = 0; i < 4; ++i) {
      const auto low = _mm256_castsi256_si128(quads[i]);
      const auto high = _mm256_extracti128_si256(quads[i], 1);
      _mm_storeu_si128((__m128i*)(to + 4 * c + 16 * i), low);
      _mm_storeu_si128((__m128i*)(to + 4 * c + 16 * i + 64), high);
    }
  }
#endif
  for (; c < channels; c += 16) {
    __m128i line[4];
    UNROLL for (int i = 0; i < 4; ++i) {
      line[i] = _mm_loadu_si128((const __m128i*)(from[i] + c));
    }
    auto* const quads = (__m128i*)(to + 4 * c);
    UNROLL for (int i = 0; i < 2; ++i) {
      const auto a = i == 0 ? _mm_unpacklo_epi8(line[0], line[1])
                            : _mm_unpackhi_epi8(line[0], line[1]);
      const auto b = i == 0 ? _mm_unpacklo_epi8(line[2], line[3])
                            : _mm_unpackhi_epi8(line[2], line[3]);
      _mm_storeu_si128(quads + 2 * i, _mm_unpacklo_epi16(a, b));
      _mm_storeu_si128(quads + 2 * i + 1, _mm_unpackhi_epi16(a, b));
    }
  }
#endif
}

}  // namespace TFN_NAMESPACE
