// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which results of a tile Winograd's algorithm may give. Its errors are in parts of the
// largest input of the tile, also in results that do not see that input: behind a line
// of pixels that is a million times as large, they would be nothing but error. Such
// tiles are computed again, without the pixels that are too large, for the results that
// do not see them. Those of ordinary images are not: a sum of squares tells them apart.
#pragma once

#include <math.h>

#include "conv/winograd.h"

namespace TFN_NAMESPACE {

// The largest input of a tile may be so many times what a result sees.
constexpr float kMostScale = 16;

constexpr int kResults = kTileOut * kTileOut;
constexpr uint32_t kAllResults = (1u << kResults) - 1;

// Results that come from one pass over a tile, a bit each; and those that need another
// one, in which pixels larger than `limit` are taken for zeros.
struct Pass {
  uint32_t now, later;
  float limit;
};

typedef float Quarter __attribute__((vector_size(16)));

inline float sum_of_lanes(Vec values) {
  Quarter quarters[kLanes / 4];
  memcpy(quarters, &values, sizeof values);
  Quarter sum = quarters[0];
  UNROLL for (int i = 1; i < kLanes / 4; ++i) sum += quarters[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Sums of squares of 2 x 2 pixels each, by lanes. What a result sees, 3 x 3 pixels, has
// one of these cells as a whole, whichever result it is.
class Cells {
 public:
  // Tiles are entered from left to right; of one that follows its left neighbour, the
  // first cells are known. Pixels outside the image are at `zeros`. Returns whether
  // what results see may differ by more than kMostScale, or is not finite.
  bool enter(const float* const* pixels, const float* zeros, int64_t channels,
             bool follows) {
    for (int i = 0; i < kLine; ++i) {
      if (follows) squares_[i * kLine] = squares_[i * kLine + kLine - 1];
      for (int j = follows; j < kLine; ++j) {
        squares_[i * kLine + j] = square(pixels + 2 * (i * kTileIn + j), channels);
      }
    }
    // Most often the least of each lane shows that they do not.
    Vec least = squares_[0], all = squares_[0];
    UNROLL for (int c = 1; c < kLine * kLine; ++c) {
      least = squares_[c] < least ? squares_[c] : least;
      all += squares_[c];
    }
    if (sum_of_lanes(all) <= kMost * sum_of_lanes(least)) return false;
    return are_uneven(pixels, zeros);
  }

 private:
  static constexpr int kLine = kTileIn / 2;
  static constexpr float kMost = kMostScale * kMostScale;

  static Vec square(const float* const* at, int64_t channels) {
    const float *const a = at[0], *const b = at[1];
    const float *const c = at[kTileIn], *const d = at[kTileIn + 1];
    Vec left = {}, right = {};
    int64_t i = 0;
    for (; i + kLanes <= channels; i += kLanes) {
      const Vec va = load(a + i), vb = load(b + i);
      const Vec vc = load(c + i), vd = load(d + i);
      left += va * va;
      right += vb * vb;
      left += vc * vc;
      right += vd * vd;
    }
    for (; i < channels; ++i) {
      left[0] += a[i] * a[i] + b[i] * b[i] + c[i] * c[i] + d[i] * d[i];
    }
    return left + right;
  }

  // Cells outside the image do not count.
  bool are_uneven(const float* const* pixels, const float* zeros) const {
    float least = INFINITY, most = 0;
    for (int c = 0; c < kLine * kLine; ++c) {
      const float* const* const at = pixels + 2 * (c / kLine * kTileIn + c % kLine);
      if (at[0] == zeros && at[1] == zeros && at[kTileIn] == zeros &&
          at[kTileIn + 1] == zeros) {
        continue;
      }
      const float square = sum_of_lanes(squares_[c]);
      if (!(square < INFINITY)) return true;
      if (square < least) least = square;
      if (square > most) most = square;
    }
    return most > kMost * least;
  }

  Vec squares_[kLine * kLine];
};

// Plans a pass over a tile for those of its results in `wanted`. Pixels larger than
// `limit` are replaced by `zeros`.
inline Pass plan_pass(const float** pixels, const float* zeros, int64_t channels,
                      uint32_t wanted, float limit) {
  float scales[kPoints], most = 0;
  for (int p = 0; p < kPoints; ++p) {
    float scale = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const float value = __builtin_fabsf(pixels[p][c]);
      if (!(value <= scale)) scale = value == value ? value : INFINITY;
    }
    scales[p] = scale;
    if (scale > limit) {
      pixels[p] = zeros;
    } else if (scale > most) {
      most = scale;
    }
  }
  Pass pass = {0, 0, 0};
  for (int r = 0; r < kResults; ++r) {
    if (!(wanted >> r & 1)) continue;
    float seen = 0;
    for (int p = 0; p < 9; ++p) {
      const int at = (r / kTileOut + p / 3) * kTileIn + r % kTileOut + p % 3;
      if (scales[at] > seen) seen = scales[at];
    }
    if (kMostScale * seen >= most) {
      pass.now |= 1u << r;
    } else {
      pass.later |= 1u << r;
      if (seen > pass.limit) pass.limit = seen;
    }
  }
  return pass;
}

}  // namespace TFN_NAMESPACE
