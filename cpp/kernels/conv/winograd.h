// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The transforms of Winograd's convolution with a kernel of 3 x 3. In one dimension,
// kIn inputs and three weights are polynomials, of which kOut coefficients of a product
// are wanted: both are evaluated at kIn points, the values multiplied, and the results
// found by interpolation. In two dimensions this is done to columns, then to lines.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

// Four results by points 0, 5/8, -5/8, 3/2, -3/2 and infinity: no more operations than
// with 0, 1, -1, 2, -2 and infinity, but half of the error. All factors are exact.
struct Winograd4 {
  static constexpr int kOut = 4, kIn = 6;
  static constexpr float kA = 0.625f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;

  static void evaluate(const Vec (&x)[kIn], Vec (&y)[kIn]) {
    const Vec even_a = x[4] - kB2 * x[2], odd_a = x[3] - kB2 * x[1];
    const Vec even_b = x[4] - kA2 * x[2], odd_b = x[3] - kA2 * x[1];
    y[0] = x[4] - (kA2 + kB2) * x[2] + kA2 * kB2 * x[0];
    y[1] = even_a + kA * odd_a;
    y[2] = even_a - kA * odd_a;
    y[3] = even_b + kB * odd_b;
    y[4] = even_b - kB * odd_b;
    y[5] = x[5] - (kA2 + kB2) * x[3] + kA2 * kB2 * x[1];
  }

  static void interpolate(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    const Vec sum_a = x[1] + x[2], difference_a = x[1] - x[2];
    const Vec sum_b = x[3] + x[4], difference_b = x[3] - x[4];
    y[0] = x[0] + sum_a + sum_b;
    y[1] = kA * difference_a + kB * difference_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA * kA2 * difference_a + (kB * kB2 * difference_b + x[5]);
  }
};

// Two results by points 0, 1, -1 and infinity.
struct Winograd2 {
  static constexpr int kOut = 2, kIn = 4;

  static void evaluate(const Vec (&x)[kIn], Vec (&y)[kIn]) {
    y[0] = x[0] - x[2];
    y[1] = x[2] + x[1];
    y[2] = x[2] - x[1];
    y[3] = x[3] - x[1];
  }

  static void interpolate(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    y[0] = x[0] + x[1] + x[2];
    y[1] = x[1] - x[2] + x[3];
  }
};

// The first `count` of a vector's elements, then zeros.
inline Vec load_some(const float* from, int64_t count) {
  float line[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) line[i] = from[i];
  return load(line);
}

// A vector of each of the pixels of a tile of input, to `to`, where the values at the
// points are `stride` apart. `count`: how many elements there are, if not all.
template <typename Transform, bool kWhole>
inline void transform_input(const float* const* pixels, int64_t channel, int64_t count,
                            float* to, int64_t stride) {
  constexpr int kIn = Transform::kIn;
  Vec half[kIn][kIn];
  UNROLL for (int j = 0; j < kIn; ++j) {
    Vec x[kIn], y[kIn];
    UNROLL for (int i = 0; i < kIn; ++i) {
      const float* const from = pixels[i * kIn + j] + channel;
      x[i] = kWhole ? load(from) : load_some(from, count);
    }
    Transform::evaluate(x, y);
    UNROLL for (int i = 0; i < kIn; ++i) half[i][j] = y[i];
  }
  UNROLL for (int i = 0; i < kIn; ++i) {
    Vec y[kIn];
    Transform::evaluate(half[i], y);
    UNROLL for (int j = 0; j < kIn; ++j) store(to + (i * kIn + j) * stride, y[j]);
  }
}

// The reverse: a vector of each of the results of a tile, from the products.
template <typename Transform>
inline void transform_output(const float* from, int64_t stride,
                             Vec (&results)[Transform::kOut][Transform::kOut]) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  Vec half[kOut][kIn];
  UNROLL for (int j = 0; j < kIn; ++j) {
    Vec x[kIn], y[kOut];
    UNROLL for (int i = 0; i < kIn; ++i) x[i] = load(from + (i * kIn + j) * stride);
    Transform::interpolate(x, y);
    UNROLL for (int i = 0; i < kOut; ++i) half[i][j] = y[i];
  }
  UNROLL for (int i = 0; i < kOut; ++i) Transform::interpolate(half[i], results[i]);
}

}  // namespace TFN_NAMESPACE
