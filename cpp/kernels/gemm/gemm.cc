// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/gemm.h"

namespace TFN_NAMESPACE {
namespace {

// One block of rows with all columns. A group of columns stays in cache while the
// rows pass by.
void multiply_block(int64_t m, int64_t n, int64_t k, MatrixView<const float> left,
                    const RightSide& right, MatrixView<float> out, bool accumulate) {
  Segment segment;
  segment.k = 0;
  const LeftSide side = {&segment, k > 0 ? 1 : 0, k, left.col_stride};
  const bool unit_stride = left.col_stride == 1;
  const int most = max_vectors(next_rows(m));
  RightSide columns = right;
  for (int64_t j = 0; j < n;) {
    const int vectors = next_vectors(n - j, most);
    columns.data = right.data + j / TFN_PANEL * right.panel_stride;
    Result result;
    result.stride = out.col_stride;
    result.columns = n - j;
    result.accumulate = accumulate;
    for (int64_t i = 0; i < m;) {
      const int rows = next_rows(m - i);
      for (int r = 0; r < rows; ++r) {
        segment.row[r] = left.data + (i + r) * left.row_stride;
        result.row[r] = out.data + (i + r) * out.row_stride + j * out.col_stride;
      }
      find_tile(rows, vectors, unit_stride)(side, columns, result);
      i += rows;
    }
    j += vectors * kLanes;
  }
}

}  // namespace

void multiply(int64_t m, int64_t n, int64_t k, MatrixView<const float> left,
              const RightSide& right, MatrixView<float> out, bool accumulate) {
  for (int64_t i = 0; i < m; i += kBlockRows) {
    const int64_t rows = m - i < kBlockRows ? m - i : kBlockRows;
    multiply_block(
        rows, n, k, {left.data + i * left.row_stride, left.row_stride, left.col_stride},
        right, {out.data + i * out.row_stride, out.row_stride, out.col_stride},
        accumulate);
  }
}

void pack_panels(int64_t first, int64_t n, int64_t k, MatrixView<const float> from,
                 float* packed) {
  for (int64_t j = first; j < n; j += TFN_PANEL) {
    const int64_t width = n - j < TFN_PANEL ? n - j : TFN_PANEL;
    const float* const columns = from.data + j * from.col_stride;
    if (width < TFN_PANEL) memset(packed, 0, (size_t)(k * TFN_PANEL) * sizeof(float));
    if (from.col_stride == 1) {
      for (int64_t i = 0; i < k; ++i) {
        memcpy(packed + i * TFN_PANEL, columns + i * from.row_stride,
               (size_t)width * sizeof(float));
      }
    } else {
      for (int64_t c = 0; c < width; ++c) {
        for (int64_t i = 0; i < k; ++i) {
          packed[i * TFN_PANEL + c] =
              columns[i * from.row_stride + c * from.col_stride];
        }
      }
    }
    packed += k * TFN_PANEL;
  }
}

}  // namespace TFN_NAMESPACE
