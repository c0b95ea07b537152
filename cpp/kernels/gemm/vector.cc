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

void add_rows(int64_t n, const Rows& rows) {
  int64_t column = 0;
  if (rows.right.col_stride == 1 && rows.out_stride == 1) {
    for (; n - column >= 8 * kLanes; column += 8 * kLanes) add_vectors<8>(rows, column);
    for (; n - column >= 4 * kLanes; column += 4 * kLanes) add_vectors<4>(rows, column);
    for (; n - column >= kLanes; column += kLanes) add_vectors<1>(rows, column);
  }
  for (; n - column >= 4; column += 4) add_columns<4>(rows, column);
  for (; n - column >= 2; column += 2) add_columns<2>(rows, column);
  if (column < n) add_columns<1>(rows, column);
}

// Columns of the same rows lie in the same pages.
void multiply_in_pieces(int64_t n, const Rows& all) {
  for (int64_t done = 0; done < all.count || done == 0; done += kSummedInRegisters) {
    Rows rows = all;
    rows.count -= done;
    if (rows.count > kSummedInRegisters) rows.count = kSummedInRegisters;
    rows.left += done * all.left_stride;
    rows.right.data += done * all.right.row_stride;
    rows.are_first = done == 0;
    add_rows(n, rows);
  }
}

}  // namespace

void multiply_vector(int64_t n, int64_t k, const float* left, int64_t left_stride,
                     MatrixView<const float> right, float* out, int64_t out_stride) {
  constexpr int64_t kTogether = kSummedInRegisters * kPiecesTogether;
  const int64_t first = k < kTogether ? k : kTogether;
  multiply_in_pieces(n, {first, left, left_stride, right, out, out_stride, true});
  for (int64_t done = first; done < k; done += kTogether) {
    const int64_t count = k - done < kTogether ? k - done : kTogether;
    constexpr int64_t kColumns = 256;
    for (int64_t column = 0; column < n; column += kColumns) {
      const int64_t columns = n - column < kColumns ? n - column : kColumns;
      MatrixView<const float> part = right;
      part.data += done * right.row_stride + column * right.col_stride;
      float sums[kColumns];
      multiply_in_pieces(columns, {count, left + done * left_stride, left_stride, part,
                                   sums, 1, true});
      float* const to = out + column * out_stride;
      for (int64_t i = 0; i < columns; ++i) to[i * out_stride] += sums[i];
    }
  }
}

}  // namespace TFN_NAMESPACE
