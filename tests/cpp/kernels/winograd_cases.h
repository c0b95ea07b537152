// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolutions by Winograd's algorithm to test, and the weights that it takes.
#pragma once

#include "conv_cases.h"

namespace tfnative::testing {

constexpr int kPoints = 6;

// What three weights are worth at 0, 5/8, -5/8, 3/2, -3/2 and infinity, divided by the
// derivative of the polynomial with these roots.
inline std::vector<std::vector<double>> weights_at_points() {
  const double roots[5] = {0, 0.625, -0.625, 1.5, -1.5};
  std::vector<std::vector<double>> rows;
  for (const double x : roots) {
    double derivative = 1;
    for (const double root : roots) derivative *= root == x ? 1 : x - root;
    rows.push_back({1 / derivative, x / derivative, x * x / derivative});
  }
  rows.push_back({0, 0, 1});
  return rows;
}

// Transforms (3, 3, ic, oc) and packs each point.
inline void transform(const tfn_conv& p, const float* weights,
                      const Aligned<float>& packed) {
  const std::vector<std::vector<double>> rows = weights_at_points();
  const std::int64_t count = p.in_channels * p.out_channels;
  const std::int64_t size = packed_size(p.in_channels, p.out_channels, 1);
  Aligned<float> matrix(count), panels(size);
  for (std::size_t point = 0; point < kPoints * kPoints; ++point) {
    for (std::int64_t i = 0; i < count; ++i) {
      double sum = 0;
      for (std::size_t h = 0; h < 3; ++h) {
        for (std::size_t w = 0; w < 3; ++w) {
          sum += rows[point / kPoints][h] * rows[point % kPoints][w] *
                 weights[static_cast<std::int64_t>(h * 3 + w) * count + i];
        }
      }
      matrix[i] = static_cast<float>(sum);
    }
    pack(p.in_channels, p.out_channels, 1, matrix.data(), panels);
    std::copy(panels.data(), panels.data() + size,
              packed.data() + static_cast<std::int64_t>(point) * size);
  }
}

inline tfn_conv three_by_three(std::int64_t batch, std::int64_t in_channels,
                               std::int64_t out_channels, std::int64_t height,
                               std::int64_t width, std::int64_t padding) {
  tfn_conv p =
      convolution(batch, in_channels, out_channels, 1, {1, height, width}, {1, 3, 3});
  p.padding_low[1] = p.padding_low[2] = padding;
  set_output(p, {0, padding, padding});
  return p;
}

}  // namespace tfnative::testing
