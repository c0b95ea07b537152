// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemm/tile.h"
#include "part.h"

namespace TFN_NAMESPACE {

// A matrix whose element (i, j) is at i * row_stride + j * col_stride.
template <typename T>
struct MatrixView {
  T* data;
  int64_t row_stride, col_stride;
};

// Rows of `left` that are multiplied with a group of columns before the next group
// is read: few enough for `left` to stay in cache, many enough to hide reading.
constexpr int64_t kBlockRows = 96;

// out(m, n) = left(m, k) * right(k, n), with an epilogue in which column 0 is output
// channel `channel`. W: what weights are stored as.
template <typename W>
struct ProductOf {
  int64_t m, n, k;
  MatrixView<const float> left;
  RightSideOf<W> right;
  MatrixView<float> out;
  const Epilogue* epilogue;
  int64_t channel;
};

typedef ProductOf<float> Product;

// Computes a part of the product: some of the rows, or some of the columns.
template <typename W>
void multiply(const ProductOf<W>& product, tfn_part part);

// How many of `left` rows go into the next tile, so that all tiles of a block are
// nearly equal: 8 rows make 4 + 4, not 6 + 2.
inline int next_rows(int64_t left) {
  const int64_t tiles = (left + kMaxRows - 1) / kMaxRows;
  return (int)((left + tiles - 1) / tiles);
}

// Packs columns [first, n) of a matrix (k, n) into panels.
void pack_panels(int64_t first, int64_t n, int64_t k, MatrixView<const float> from,
                 float* packed);

}  // namespace TFN_NAMESPACE
