// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/vector.h"

namespace TFN_NAMESPACE {
namespace {

// Some rows of the right side, which sums of the rows before are added to.
struct Rows {
  int64_t count;
  const float* left;
  int64_t left_stride;
  MatrixView<const float> right;
  float* out;
  int64_t out_stride;
  bool are_first;
};

template <int kVectors>
void add_vectors(const Rows& rows, int64_t column) {
  Vec sum[kVectors] = {};
  const float* at = rows.right.data + column;
  const float* x = rows.left;
  for (int64_t k = 0; k < rows.count; ++k) {
    const Vec factor = broadcast(*x);
    UNROLL for (int v = 0; v < kVectors; ++v) sum[v] += factor * load(at + v * kLanes);
    at += rows.right.row_stride;
    x += rows.left_stride;
  }
  float* const to = rows.out + column;
  UNROLL for (int v = 0; v < kVectors; ++v) {
    if (!rows.are_first) sum[v] += load(to + v * kLanes);
    store(to + v * kLanes, sum[v]);
  }
}

// Columns that may be anywhere.
template <int kColumns>
void add_columns(const Rows& rows, int64_t column) {
  float sum[kColumns] = {};
  const int64_t stride = rows.right.col_stride;
  const float* at = rows.right.data + column * stride;
  const float* x = rows.left;
  for (int64_t k = 0; k < rows.count; ++k) {
    UNROLL for (int c = 0; c < kColumns; ++c) sum[c] += *x * at[c * stride];
    at += rows.right.row_stride;
    x += rows.left_stride;
  }
  float* const to = rows.out + column * rows.out_stride;
  UNROLL for (int c = 0; c < kColumns; ++c) {
    float& result = to[c * rows.out_stride];
    result = rows.are_first ? sum[c] : result + sum[c];
  }
}

}  // namespace

void multiply_vector(int64_t n, int64_t k, const float* left, int64_t left_stride,
                     MatrixView<const float> right, float* out, int64_t out_stride) {
  const bool in_vectors = right.col_stride == 1 && out_stride == 1;
  // Columns of the same rows lie in the same pages.
  for (int64_t done = 0; done < k || done == 0; done += kSummedInRegisters) {
    const int64_t count = k - done < kSummedInRegisters ? k - done : kSummedInRegisters;
    const Rows rows = {
        count,
        left + done * left_stride,
        left_stride,
        {right.data + done * right.row_stride, right.row_stride, right.col_stride},
        out,
        out_stride,
        done == 0};
    int64_t column = 0;
    if (in_vectors) {
      for (; n - column >= 8 * kLanes; column += 8 * kLanes) {
        add_vectors<8>(rows, column);
      }
      for (; n - column >= 4 * kLanes; column += 4 * kLanes) {
        add_vectors<4>(rows, column);
      }
      for (; n - column >= kLanes; column += kLanes) add_vectors<1>(rows, column);
    }
    for (; n - column >= 4; column += 4) add_columns<4>(rows, column);
    for (; n - column >= 2; column += 2) add_columns<2>(rows, column);
    if (column < n) add_columns<1>(rows, column);
  }
}

}  // namespace TFN_NAMESPACE
