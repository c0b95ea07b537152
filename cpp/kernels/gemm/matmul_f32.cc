// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The f32 products of kernels.h.
#include "gemm/gemm.h"

using namespace TFN_NAMESPACE;

namespace {

// With so few rows, packing the right side would cost about as much as multiplying.
constexpr int64_t kRowsWorthPacking = 24;

typedef MatrixView<const float> ConstMatrix;

template <typename T>
MatrixView<T> transposed(MatrixView<T> matrix) {
  return {matrix.data, matrix.col_stride, matrix.row_stride};
}

// One product, neither side packed.
void multiply_one(int64_t m, int64_t n, int64_t k, ConstMatrix left, ConstMatrix right,
                  MatrixView<float> out, float* packed) {
  int64_t direct = 0;  // Columns that are read where they are.
  if (right.col_stride == 1 && m < kRowsWorthPacking) {
    direct = n / TFN_PANEL * TFN_PANEL;
    multiply(m, direct, k, left, {right.data, right.row_stride, TFN_PANEL}, out, false);
  }
  if (direct == n) return;
  pack_panels(direct, n, k, right, packed);
  out.data += direct * out.col_stride;
  multiply(m, n - direct, k, left, {packed, TFN_PANEL, k * TFN_PANEL}, out, false);
}

}  // namespace

void TFN_KERNEL(matmul_packed_f32)(const tfn_matmul* p, const float* lhs,
                                   const float* rhs_packed, float* out) {
  multiply(p->m, p->n, p->k, {lhs, p->lhs.row_stride, p->lhs.col_stride},
           {rhs_packed, TFN_PANEL, p->k * TFN_PANEL},
           {out, p->out.row_stride, p->out.col_stride}, p->accumulate != 0);
}

void TFN_KERNEL(matmul_f32)(const tfn_matmul* p, const float* lhs, const float* rhs,
                            float* out, void* scratch) {
  for (int64_t b = 0; b < p->batch; ++b) {
    const ConstMatrix left = {lhs + b * p->lhs.batch_stride, p->lhs.row_stride,
                              p->lhs.col_stride};
    const ConstMatrix right = {rhs + b * p->rhs.batch_stride, p->rhs.row_stride,
                               p->rhs.col_stride};
    const MatrixView<float> to = {out + b * p->out.batch_stride, p->out.row_stride,
                                  p->out.col_stride};
    if (to.col_stride == 1) {
      multiply_one(p->m, p->n, p->k, left, right, to, (float*)scratch);
    } else {
      // Rows of the result are to lie in a row: out' = right' * left'.
      multiply_one(p->n, p->m, p->k, transposed(right), transposed(left),
                   transposed(to), (float*)scratch);
    }
  }
}
