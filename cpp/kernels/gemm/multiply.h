// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Products, for files that instantiate them for one type of weights each.
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {
namespace {

// Rows and columns [begin, end) of a product.
struct Area {
  Range rows, columns;
};

// Tiles whose left side is not dense: a row of the matrix has its own pointer.
template <typename W>
void multiply_rows(const ProductOf<W>& p, Range rows, int64_t column, int vectors,
                   const RightSideOf<W>& columns, const Target& target) {
  Segment segment;
  segment.k = 0;
  const LeftSide side = {&segment, p.k > 0 ? 1 : 0, p.k, p.left.col_stride};
  for (int64_t i = rows.begin; i < rows.end;) {
    const int count = next_rows(rows.end - i);
    float* to[kMaxRows];
    for (int r = 0; r < count; ++r) {
      segment.row[r] = p.left.data + (i + r) * p.left.row_stride;
      to[r] = p.out.data + (i + r) * p.out.row_stride + column * p.out.col_stride;
    }
    find_tile<W>(count, vectors, false)(side, columns, to, target);
    i += count;
  }
}

// Tiles of a dense left side: first those with one row more, then the others.
template <typename W>
void multiply_strips(const ProductOf<W>& p, Range rows, int64_t column, int vectors,
                     const RightSideOf<W>& columns, const Target& target) {
  Strip strip = {nullptr, p.left.row_stride, p.k, 0, nullptr, p.out.row_stride};
  for (int64_t i = rows.begin; i < rows.end;) {
    const int64_t left = rows.end - i;
    const int64_t tiles = (left + kMaxRows - 1) / kMaxRows;
    const int count = next_rows(left);
    strip.tiles = left - (count - 1) * tiles;
    strip.left = p.left.data + i * p.left.row_stride;
    strip.out = p.out.data + i * p.out.row_stride + column * p.out.col_stride;
    find_strip<W>(count, vectors)(strip, columns, target);
    i += strip.tiles * count;
  }
}

// A group of columns stays in cache while the rows of a block pass by.
template <typename W>
void multiply_block(const ProductOf<W>& p, const Area& area) {
  const int most = max_vectors(next_rows(area.rows.end - area.rows.begin));
  const auto multiply_column =
      p.left.col_stride == 1 ? multiply_strips<W> : multiply_rows<W>;
  RightSideOf<W> columns = p.right;
  Target target;
  target.stride = p.out.col_stride;
  target.epilogue = p.epilogue;
  for (int64_t j = area.columns.begin; j < area.columns.end;) {
    const int vectors = next_vectors(area.columns.end - j, most);
    columns.data = p.right.data + j / TFN_PANEL * p.right.panel_stride;
    target.columns = area.columns.end - j;
    target.channel = p.channel + j;
    multiply_column(p, area.rows, j, vectors, columns, target);
    j += vectors * kLanes;
  }
}

}  // namespace

template <typename W>
void multiply(const ProductOf<W>& p, tfn_part part) {
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

}  // namespace TFN_NAMESPACE
