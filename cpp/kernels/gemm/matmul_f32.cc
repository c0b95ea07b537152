// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Products of which neither side is a constant.
#include <math.h>

#include "gemm/gemm.h"
#include "gemm/vector.h"

using namespace TFN_NAMESPACE;

namespace {

// With so few rows, packing the right side would cost about as much as multiplying.
constexpr int64_t kRowsWorthPacking = 24;

// A right side as small as this stays in the first cache in whatever order it is.
constexpr int64_t kBytesToReadDirectly = 16 << 10;

typedef MatrixView<const float> ConstMatrix;

template <typename T>
MatrixView<T> transposed(MatrixView<T> matrix) {
  return {matrix.data, matrix.col_stride, matrix.row_stride};
}

// A matrix on its way to multiply_one, which packs it or finds panels in it.
RightSide unpacked(ConstMatrix matrix) {
  return {matrix.data, matrix.row_stride, matrix.col_stride};
}

constexpr tfn_part kAll = {0, 1};

// One product, neither side packed: columns are read where they are, or packed first.
void multiply_one(Product p, float* packed) {
  const ConstMatrix right = {p.right.data, p.right.row_stride, p.right.panel_stride};
  int64_t direct = 0;  // Columns that are read where they are.
  if (right.col_stride == 1 &&
      (p.m < kRowsWorthPacking || p.k * p.n * 4 <= kBytesToReadDirectly)) {
    direct = p.n / TFN_PANEL * TFN_PANEL;
    Product first = p;
    first.n = direct;
    first.right.panel_stride = TFN_PANEL;
    multiply(first, kAll);
  }
  if (direct == p.n) return;
  pack_panels(direct, p.n, p.k, right, packed);
  p.out.data += direct * p.out.col_stride;
  p.n -= direct;
  p.right = {packed, TFN_PANEL, p.k * TFN_PANEL};
  multiply(p, kAll);
}

}  // namespace

void TFN_KERNEL(matmul_f32)(const void* params, const tfn_operands* o, tfn_part part) {
  const tfn_matmul& p = *(const tfn_matmul*)params;
  const tfn_epilogue none = {TFN_LINEAR, -INFINITY, INFINITY};
  const Epilogue epilogue(none, *o);
  const float* const rhs = (const float*)o->rhs;
  const Range mine = share(p.batch, 1, part);
  for (int64_t b = mine.begin; b < mine.end; ++b) {
    const ConstMatrix left = {o->lhs + b * p.lhs.batch_stride, p.lhs.row_stride,
                              p.lhs.col_stride};
    const ConstMatrix right = {rhs + b * p.rhs.batch_stride, p.rhs.row_stride,
                               p.rhs.col_stride};
    const MatrixView<float> to = {o->out + b * p.out.batch_stride, p.out.row_stride,
                                  p.out.col_stride};
    if (p.m == 1) {
      multiply_vector(p.n, p.k, left.data, left.col_stride, right, to.data,
                      to.col_stride);
    } else if (p.n == 1) {
      multiply_vector(p.m, p.k, right.data, right.row_stride, transposed(left), to.data,
                      to.row_stride);
    } else if (to.col_stride == 1) {
      multiply_one({p.m, p.n, p.k, left, unpacked(right), to, &epilogue, 0},
                   (float*)o->scratch);
    } else {
      // Rows of the result are to lie in a row: out' = right' * left'.
      multiply_one({p.n, p.m, p.k, transposed(right), unpacked(transposed(left)),
                    transposed(to), &epilogue, 0},
                   (float*)o->scratch);
    }
  }
}
