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

inline std::int64_t volume(const std::int64_t (&sizes)[3]) {
  return sizes[0] * sizes[1] * sizes[2];
}

// Batches of products of matrices; `out_size` elements, in the order of `p.out`.
std::vector<double> multiply(const tfn_matmul& p, const float* lhs, const float* rhs,
                             std::int64_t out_size);

// The definition in XLA's operation semantics: the input is spread by base_dilation
// and padded, the kernel spread by window_dilation.
std::vector<double> convolve(const tfn_conv& p, const float* input,
                             const float* weights);

// What becomes of each window; padding has no part in it.
std::vector<double> reduce(const tfn_reduce_window& p, const float* input);

// Packs (k, n), one group after the other, as kernels.h describes it.
void pack(std::int64_t k, std::int64_t n, std::int64_t groups, const float* matrix,
          const Aligned<float>& packed);

inline std::int64_t packed_size(std::int64_t k, std::int64_t n, std::int64_t groups) {
  return groups * ((n / groups + TFN_PANEL - 1) / TFN_PANEL) * TFN_PANEL * k;
}

}  // namespace tfnative::testing
