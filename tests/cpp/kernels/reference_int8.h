// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The product in 8 bits as kernels.h defines it, number by number.
#pragma once

#include "reference.h"

namespace tfnative::testing {

// A quantized matrix (k, n), and the scales of its columns.
struct Int8Matrix {
  std::int64_t k, n;
  std::vector<std::int8_t> weights;
  std::vector<float> scales;
};

// As kernels.h has it for the kernel.
inline std::int64_t packed_bytes(const Int8Matrix& matrix) {
  return (matrix.n + TFN_PANEL - 1) / TFN_PANEL * TFN_INT8_PANEL_BYTES(matrix.k);
}
void pack_int8(const Int8Matrix& matrix, const Aligned<char>& packed);

// Before the epilogue; `out_size` floats, in the order of `p.out`.
std::vector<float> multiply_int8(const tfn_matmul& p, const float* lhs,
                                 const Int8Matrix& rhs, std::int64_t out_size);

}  // namespace tfnative::testing
