// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

namespace tfnative::testing {
namespace {

double join(std::int32_t operation, double a, double x) {
  if (operation == TFN_REDUCE_SUM) return a + x;
  if (operation == TFN_REDUCE_MAX_NUMBER) return std::fmax(a, x);
  if (std::isnan(a) || std::isnan(x)) return std::nan("");
  return operation == TFN_REDUCE_MAX ? std::max(a, x) : std::min(a, x);
}

}  // namespace

std::vector<double> multiply(const tfn_matmul& p, const float* lhs, const float* rhs,
                             std::int64_t out_size) {
  std::vector<double> out(static_cast<std::size_t>(out_size));
  for (std::int64_t b = 0; b < p.batch; ++b) {
    for (std::int64_t i = 0; i < p.m; ++i) {
      for (std::int64_t j = 0; j < p.n; ++j) {
        double& sum = out[static_cast<std::size_t>(
            b * p.out.batch_stride + i * p.out.row_stride + j * p.out.col_stride)];
        for (std::int64_t k = 0; k < p.k; ++k) {
          sum +=
              static_cast<double>(lhs[b * p.lhs.batch_stride + i * p.lhs.row_stride +
                                      k * p.lhs.col_stride]) *
              rhs[b * p.rhs.batch_stride + k * p.rhs.row_stride + j * p.rhs.col_stride];
        }
      }
    }
  }
  return out;
}

std::vector<double> convolve(const tfn_conv& p, const float* input,
                             const float* weights) {
  const std::int64_t depth = p.in_channels / p.groups;
  const std::int64_t of_group = p.out_channels / p.groups;
  std::vector<double> out;
  for (std::int64_t b = 0; b < p.batch; ++b) {
    for (std::int64_t o = 0; o < volume(p.out); ++o) {
      const std::int64_t at[3] = {o / (p.out[1] * p.out[2]), o / p.out[2] % p.out[1],
                                  o % p.out[2]};
      for (std::int64_t c = 0; c < p.out_channels; ++c) {
        double sum = 0;
        for (std::int64_t k = 0; k < volume(p.kernel); ++k) {
          const std::int64_t place[3] = {k / (p.kernel[1] * p.kernel[2]),
                                         k / p.kernel[2] % p.kernel[1],
                                         k % p.kernel[2]};
          std::int64_t index = b;
          bool meets_input = true;
          for (int d = 0; d < 3; ++d) {
            const std::int64_t spread = at[d] * p.stride[d] - p.padding_low[d] +
                                        place[d] * p.window_dilation[d];
            meets_input = meets_input && spread >= 0 &&
                          spread % p.base_dilation[d] == 0 &&
                          spread / p.base_dilation[d] < p.in[d];
            index = index * p.in[d] + spread / p.base_dilation[d];
          }
          if (!meets_input) continue;
          for (std::int64_t i = 0; i < depth; ++i) {
            sum += static_cast<double>(
                       input[index * p.in_channels + c / of_group * depth + i]) *
                   weights[(k * depth + i) * p.out_channels + c];
          }
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

std::vector<double> reduce(const tfn_reduce_window& p, const float* input) {
  std::vector<double> out;
  for (std::int64_t b = 0; b < p.batch; ++b) {
    for (std::int64_t o = 0; o < volume(p.out); ++o) {
      const std::int64_t at[3] = {o / (p.out[1] * p.out[2]), o / p.out[2] % p.out[1],
                                  o % p.out[2]};
      for (std::int64_t c = 0; c < p.channels; ++c) {
        double result = static_cast<double>(p.init);
        for (std::int64_t k = 0; k < volume(p.kernel); ++k) {
          const std::int64_t place[3] = {k / (p.kernel[1] * p.kernel[2]),
                                         k / p.kernel[2] % p.kernel[1],
                                         k % p.kernel[2]};
          std::int64_t index = b;
          bool inside = true;
          for (int d = 0; d < 3; ++d) {
            const std::int64_t x = at[d] * p.stride[d] - p.padding_low[d] +
                                   place[d] * p.window_dilation[d];
            inside = inside && x >= 0 && x < p.in[d];
            index = index * p.in[d] + x;
          }
          if (inside) {
            result = join(p.operation, result,
                          static_cast<double>(input[index * p.channels + c]));
          }
        }
        out.push_back(result * static_cast<double>(p.scale));
      }
    }
  }
  return out;
}

void pack(std::int64_t k, std::int64_t n, std::int64_t groups, const float* matrix,
          const Aligned<float>& packed) {
  std::fill(packed.data(), packed.data() + packed.size(), 0.0f);
  const std::int64_t of_group = n / groups;
  const std::int64_t panels = (of_group + TFN_PANEL - 1) / TFN_PANEL;
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t g = j / of_group, c = j % of_group;
      packed[((g * panels + c / TFN_PANEL) * k + i) * TFN_PANEL + c % TFN_PANEL] =
          matrix[i * n + j];
    }
  }
}

}  // namespace tfnative::testing
