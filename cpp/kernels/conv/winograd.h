// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The transforms of Winograd's convolution with a kernel of 3 x 3. In one dimension,
// six inputs and three weights are polynomials; both are evaluated at six points, the
// values multiplied, and four results interpolated from the products. In two dimensions
// this is done to columns, then to lines.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

// Outputs and inputs of a tile in one dimension; the points are 0, 5/8, -5/8, 3/2, -3/2
// and infinity: no more operations than with 0, 1, -1, 2, -2 and infinity, but half of
// the error. All factors are exact.
constexpr int kTileOut = 4, kTileIn = 6, kKernel = 3;
constexpr int kPoints = kTileIn * kTileIn;
constexpr float kA = 0.625f, kA2 = kA * kA, kA3 = kA2 * kA;
constexpr float kB = 1.5f, kB2 = kB * kB, kB3 = kB2 * kB;

inline void evaluate(const Vec (&x)[kTileIn], Vec (&y)[kTileIn]) {
  const Vec even_a = x[4] - kB2 * x[2], odd_a = kA * (x[3] - kB2 * x[1]);
  const Vec even_b = x[4] - kA2 * x[2], odd_b = kB * (x[3] - kA2 * x[1]);
  y[0] = x[4] - (kA2 + kB2) * x[2] + kA2 * kB2 * x[0];
  y[1] = even_a + odd_a;
  y[2] = even_a - odd_a;
  y[3] = even_b + odd_b;
  y[4] = even_b - odd_b;
  y[5] = x[5] - (kA2 + kB2) * x[3] + kA2 * kB2 * x[1];
}

inline void interpolate(const Vec (&x)[kTileIn], Vec (&y)[kTileOut]) {
  const Vec even_a = x[1] + x[2], odd_a = x[1] - x[2];
  const Vec even_b = x[3] + x[4], odd_b = x[3] - x[4];
  y[0] = x[0] + even_a + even_b;
  y[1] = kA * odd_a + kB * odd_b;
  y[2] = kA2 * even_a + kB2 * even_b;
  y[3] = kA3 * odd_a + (kB3 * odd_b + x[5]);
}

// The first `count` of a vector's elements, then zeros.
inline Vec load_some(const float* from, int64_t count) {
  float line[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) line[i] = from[i];
  return load(line);
}

// A vector of each of the pixels of a tile of input, to `to`, where the values at the
// points are `stride` apart. `count`: how many elements there are, if not all. Returns
// zeros, or NaN where a value is not finite: every pixel is part of one of the four
// that are looked at.
template <bool kWhole>
inline Vec transform_input(const float* const* pixels, int64_t channel, int64_t count,
                           float* to, int64_t stride) {
  Vec half[kTileIn][kTileIn];
  UNROLL for (int j = 0; j < kTileIn; ++j) {
    Vec x[kTileIn], y[kTileIn];
    UNROLL for (int i = 0; i < kTileIn; ++i) {
      const float* const from = pixels[i * kTileIn + j] + channel;
      x[i] = kWhole ? load(from) : load_some(from, count);
    }
    evaluate(x, y);
    UNROLL for (int i = 0; i < kTileIn; ++i) half[i][j] = y[i];
  }
  Vec corners = {};
  UNROLL for (int i = 0; i < kTileIn; ++i) {
    Vec y[kTileIn];
    evaluate(half[i], y);
    UNROLL for (int j = 0; j < kTileIn; ++j) {
      store(to + (i * kTileIn + j) * stride, y[j]);
    }
    if (i == 0 || i == kTileIn - 1) corners += 0 * y[0] + 0 * y[kTileIn - 1];
  }
  return corners;
}

inline bool is_zero(Vec x) {
  float lanes[kLanes];
  store(lanes, x);
  bool zero = true;
  for (int i = 0; i < kLanes; ++i) zero = zero && lanes[i] == 0;
  return zero;
}

// Three weights from their values at 0, kA, -kA and infinity.
inline void find_line(Vec zero, Vec plus, Vec minus, Vec infinity, Vec* weights) {
  weights[0] = kA2 * kB2 * zero;
  weights[1] = kA * (kA2 - kB2) * (plus - minus);
  weights[2] = infinity;
}

// A vector of each weight of a kernel, from their values at the points, which are
// `stride` apart. What is left of a zero after rounding is a zero again: an infinity
// times it has to be NaN.
inline void find_weights(const float* from, int64_t stride,
                         Vec (&weights)[kKernel][kKernel]) {
  const int points[] = {0, 1, 2, kTileIn - 1};
  Vec lines[4][kKernel];
  for (int i = 0; i < 4; ++i) {
    const float* const line = from + points[i] * kTileIn * stride;
    find_line(load(line), load(line + stride), load(line + 2 * stride),
              load(line + (kTileIn - 1) * stride), lines[i]);
  }
  for (int j = 0; j < kKernel; ++j) {
    Vec column[kKernel];
    find_line(lines[0][j], lines[1][j], lines[2][j], lines[3][j], column);
    for (int i = 0; i < kKernel; ++i) weights[i][j] = column[i];
  }
  Vec largest = {};
  for (auto& line : weights) {
    for (const Vec& weight : line) {
      const Vec size = weight < 0 ? -weight : weight;
      largest = size > largest ? size : largest;
    }
  }
  const Vec rounding = broadcast(1e-6f) * largest;
  for (auto& line : weights) {
    for (Vec& weight : line) {
      weight = ((weight < rounding) & (weight > -rounding)) ? Vec{} : weight;
    }
  }
}

// The reverse: a vector of each of the results of a tile, from the products.
inline void transform_output(const float* from, int64_t stride,
                             Vec (&results)[kTileOut][kTileOut]) {
  Vec half[kTileOut][kTileIn];
  UNROLL for (int j = 0; j < kTileIn; ++j) {
    Vec x[kTileIn], y[kTileOut];
    UNROLL for (int i = 0; i < kTileIn; ++i) {
      x[i] = load(from + (i * kTileIn + j) * stride);
    }
    interpolate(x, y);
    UNROLL for (int i = 0; i < kTileOut; ++i) half[i][j] = y[i];
  }
  UNROLL for (int i = 0; i < kTileOut; ++i) interpolate(half[i], results[i]);
}

}  // namespace TFN_NAMESPACE
