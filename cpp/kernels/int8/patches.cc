// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/patches.h"

namespace TFN_NAMESPACE {
namespace {

// Bytes that are taken at once.
constexpr int64_t kStep = 16;
typedef uint8_t Step __attribute__((vector_size(kStep)));

// Bytes lie behind the place of what they become, so that none is overwritten before it
// is read, and may have a step more behind them.
inline int64_t bytes_before(int64_t k) {
  return kGroupBytes == 8 ? int8_patch_bytes(k) / 2 - kStep : 0;
}

// From bytes as they are to the form of this CPU level, in whole steps.
INLINE void convert(const uint8_t* from, int64_t count, uint8_t* to) {
  if (kBytesAsTheyAre) return;
  for (int64_t i = 0; i < count; i += kStep) {
    Step q;
    memcpy(&q, from + i, kStep);
#if defined(TFN_INT8_WORDS)
    typedef uint16_t Words __attribute__((vector_size(2 * kStep)));
    const Step ordered = __builtin_shufflevector(q, q, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9,
                                                 11, 12, 14, 13, 15);
    const Words words = __builtin_convertvector(ordered, Words);
    memcpy(to + 2 * i, &words, sizeof words);
#else
    q ^= (uint8_t)kActivationBias;  // Less 128, in signed numbers.
    memcpy(to + i, &q, kStep);
#endif
  }
}

// Copies few bytes in one step where there are as many to read.
INLINE void copy_run(const uint8_t* from, int64_t bytes, const uint8_t* end,
                     uint8_t* to) {
  if (bytes <= kStep && end - from >= kStep) {
    memcpy(to, from, kStep);
  } else {
    memcpy(to, from, (size_t)bytes);
  }
}

}  // namespace

void copy_patch(const Int8Geometry& g, const Pixel& pixel, int padding,
                uint8_t* patch) {
  const tfn_conv& p = g.p;
  const Int8Window window = window_of(g, pixel);
  const int64_t bytes = p.kernel[2] * g.channels, k = p.kernel[0] * p.kernel[1] * bytes;
  const int64_t w = window.first[2];
  const bool dense = g.dense_lines && w >= 0 && w + p.kernel[2] <= p.in[2];
  uint8_t* const gathered = patch + bytes_before(k);
  uint8_t* to = gathered;
  for (int64_t kd = 0; kd < p.kernel[0]; ++kd) {
    for (int64_t kh = 0; kh < p.kernel[1]; ++kh, to += bytes) {
      const uint8_t* const line = line_of(g, window, kd, kh);
      if (line && dense) {
        copy_run(line + w * p.in_channels, bytes, g.end, to);
      } else {
        copy_line(g, window, line, padding, to);
      }
    }
  }
  convert(gathered, k, patch);
}

}  // namespace TFN_NAMESPACE
