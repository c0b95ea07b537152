// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/gemm.h"

namespace TFN_NAMESPACE {
namespace {

// Rows and columns [begin, end) of a product.
struct Area {
  Range rows, columns;
};

// A group of columns stays in cache while the rows of a block pass by.
void multiply_block(const Product& p, const Area& area) {
  Segment segment;
  segment.k = 0;
  const LeftSide side = {&segment, p.k > 0 ? 1 : 0, p.k, p.left.col_stride};
  const bool unit_stride = p.left.col_stride == 1;
  const int most = max_vectors(next_rows(area.rows.end - area.rows.begin));
  RightSide columns = p.right;
  Result result;
  result.stride = p.out.col_stride;
  result.epilogue = p.epilogue;
  for (int64_t j = area.columns.begin; j < area.columns.end;) {
    const int vectors = next_vectors(area.columns.end - j, most);
    columns.data = p.right.data + j / TFN_PANEL * p.right.panel_stride;
    result.columns = area.columns.end - j;
    result.channel = p.channel + j;
    for (int64_t i = area.rows.begin; i < area.rows.end;) {
      const int rows = next_rows(area.rows.end - i);
      for (int r = 0; r < rows; ++r) {
        segment.row[r] = p.left.data + (i + r) * p.left.row_stride;
        result.row[r] = p.out.data + (i + r) * p.out.row_stride + j * p.out.col_stride;
      }
      find_tile(rows, vectors, unit_stride)(side, columns, result);
      i += rows;
    }
    j += vectors * kLanes;
  }
}

}  // namespace

void multiply(const Product& p, tfn_part part) {
  Area area = {{0, p.m}, {0, p.n}};
  // What there is more of is split, so that the other side is read by all parts.
  if (p.n > p.m) {
    area.columns = share(p.n, TFN_PANEL, part);
  } else {
    area.rows = share(p.m, kMaxRows, part);
  }
  const int64_t end = area.rows.end;
  for (int64_t i = area.rows.begin; i < end; i += kBlockRows) {
    area.rows = {i, end - i < kBlockRows ? end : i + kBlockRows};
    multiply_block(p, area);
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
