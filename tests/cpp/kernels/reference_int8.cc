// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "reference_int8.h"

#include <cfloat>
#include <cstring>

namespace tfnative::testing {
namespace {

struct Quantized {
  float scale;
  std::int64_t zero;
  std::vector<std::int64_t> numbers;
};

std::int64_t number_of(float x, float inverse, std::int64_t zero) {
  const auto rounded = static_cast<std::int64_t>(std::nearbyintf(x * inverse));
  return std::clamp<std::int64_t>(rounded + zero, 0, 255);
}

Quantized quantize(const std::vector<float>& row) {
  Quantized result = {NAN, 0, std::vector<std::int64_t>(row.size())};
  float low = 0, high = 0;
  for (float x : row) {
    if (!std::isfinite(x)) return result;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  result.scale = 0;
  float size = high - low, steps = 255;
  if (size < std::ldexp(1.0f, -117)) return result;
  if (std::isinf(size)) size = high / 2 - low / 2, steps /= 2;
  result.scale = size / steps;
  const float inverse = steps / size;
  result.zero = number_of(-low, inverse, 0);
  for (std::size_t k = 0; k < row.size(); ++k) {
    result.numbers[k] = number_of(row[k], inverse, result.zero);
  }
  return result;
}

float joined(float of_row, float of_column) {
  const float scale = of_row * of_column;
  if (scale < 2 * FLT_MIN) return 0;
  return scale > FLT_MAX ? FLT_MAX : scale;
}

}  // namespace

void pack_int8(const Int8Matrix& matrix, const Aligned<char>& packed) {
  std::memset(packed.data(), 0, static_cast<std::size_t>(packed.size()));
  for (std::int64_t j = 0; j < matrix.n; ++j) {
    const std::int64_t in_panel = j % TFN_PANEL;
    char* const panel = packed.data() + j / TFN_PANEL * TFN_INT8_PANEL_BYTES(matrix.k);
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < matrix.k; ++k) {
      const auto w = matrix.weights[static_cast<std::size_t>(k * matrix.n + j)];
      panel[(k / 4 * TFN_PANEL + in_panel) * 4 + k % 4] = static_cast<char>(w);
      sum += w;
    }
    char* const behind = panel + (matrix.k + 3) / 4 * 4 * TFN_PANEL;
    std::memcpy(behind + in_panel * 4, &sum, 4);
    std::memcpy(behind + (TFN_PANEL + in_panel) * 4,
                &matrix.scales[static_cast<std::size_t>(j)], 4);
  }
}

std::vector<float> multiply_int8(const tfn_matmul& p, const float* lhs,
                                 const Int8Matrix& rhs, std::int64_t out_size) {
  std::vector<float> out(static_cast<std::size_t>(out_size));
  for (std::int64_t i = 0; i < p.m; ++i) {
    std::vector<float> row;
    for (std::int64_t k = 0; k < p.k; ++k) {
      row.push_back(lhs[i * p.lhs.row_stride + k * p.lhs.col_stride]);
    }
    const Quantized x = quantize(row);
    for (std::int64_t j = 0; j < p.n; ++j) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k) {
        sum += (x.numbers[static_cast<std::size_t>(k)] - x.zero) *
               rhs.weights[static_cast<std::size_t>(k * p.n + j)];
      }
      out[static_cast<std::size_t>(i * p.out.row_stride + j * p.out.col_stride)] =
          static_cast<float>(sum) *
          joined(x.scale, rhs.scales[static_cast<std::size_t>(j)]);
    }
  }
  return out;
}

}  // namespace tfnative::testing
