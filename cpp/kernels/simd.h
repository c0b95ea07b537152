// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Vectors of floats as wide as the CPU level's registers, with the vector extensions
// that GCC and Clang share. Multiplying and adding becomes one instruction where
// there is one (-ffp-contract=fast).
#pragma once

#include <stdint.h>
#include <string.h>

#include "kernels.h"

// Names that kernels share carry the level, too: all levels are linked together.
#define TFN_NAMESPACE TFN_KERNEL(internal)

// Accumulators must be registers: every loop over them is unrolled,
// and what they are passed to inlined.
#define UNROLL _Pragma("GCC unroll 32")
#define INLINE inline __attribute__((always_inline))

namespace TFN_NAMESPACE {

// TFN_WIDE_VECTORS has the code of AVX-512 tested on machines without it.
#if defined(__AVX512F__) || defined(TFN_WIDE_VECTORS)
#define TFN_LANES_16
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
#elif defined(__AVX__)
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kLanes = 4;
constexpr int kRegisters = 32;
#else
constexpr int kLanes = 4;
constexpr int kRegisters = 16;
#endif

typedef float Vec __attribute__((vector_size(kLanes * 4)));

// Unaligned.
inline Vec load(const float* from) {
  Vec value;
  memcpy(&value, from, sizeof value);
  return value;
}

inline void store(float* to, Vec value) { memcpy(to, &value, sizeof value); }

inline Vec broadcast(float x) {
#if defined(TFN_LANES_16)
  return Vec{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
#elif defined(__AVX__)
  return Vec{x, x, x, x, x, x, x, x};
#else
  return Vec{x, x, x, x};
#endif
}

}  // namespace TFN_NAMESPACE
