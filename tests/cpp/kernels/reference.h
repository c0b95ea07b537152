// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What the kernels are compared with: the definitions, as loops, in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels.h"

namespace tfnative::testing {

// Memory that begins at a multiple of 64 bytes, as kernels may expect of scratch, and
// that the sanitizers guard to the byte.
template <typename T>
class Aligned {
 public:
  explicit Aligned(std::int64_t size) : size_(size) {
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    data_ = static_cast<T*>(
        ::operator new(std::max<std::size_t>(bytes, 1), std::align_val_t{64}));
  }
  ~Aligned() { ::operator delete(data_, std::align_val_t{64}); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;

  T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  T* data_;
  std::int64_t size_;
};

// Small whole numbers over 8: sums of their products are exact in float, whatever the
// order, so that results must be equal and no tolerance hides a mistake.
inline void fill(const Aligned<float>& array, unsigned seed) {
  std::mt19937 engine(seed);
  for (std::int64_t i = 0; i < array.size(); ++i) {
    array[i] = static_cast<float>(static_cast<int>(engine() % 17) - 8) / 8;
  }
}

inline std::vector<double> multiply(const tfn_matmul& p, const float* lhs,
                                    const float* rhs, std::int64_t out_size) {
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

inline std::int64_t volume(const std::int64_t (&sizes)[3]) {
  return sizes[0] * sizes[1] * sizes[2];
}

// The definition in XLA's operation semantics: the input is spread by base_dilation
// and padded, the kernel spread by window_dilation.
inline std::vector<double> convolve(const tfn_conv& p, const float* input,
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

// Packs (k, n), one group after the other, as kernels.h describes it.
inline void pack(std::int64_t k, std::int64_t n, std::int64_t groups,
                 const float* matrix, const Aligned<float>& packed) {
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

inline std::int64_t packed_size(std::int64_t k, std::int64_t n, std::int64_t groups) {
  return groups * ((n / groups + TFN_PANEL - 1) / TFN_PANEL) * TFN_PANEL * k;
}

}  // namespace tfnative::testing
