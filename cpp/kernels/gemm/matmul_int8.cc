// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The product of rows that are quantized here with weights that are quantized already.
#include "gemm/int8_tile.h"

using namespace TFN_NAMESPACE;

namespace {

// Rows and columns [begin, end) of a product.
struct Area {
  Range rows, columns;
};

// What all blocks of a product share.
struct Int8Product {
  const tfn_matmul& sizes;
  const tfn_operands& operands;
  const Epilogue& epilogue;
  RowRange* ranges;  // Of the rows of a block.
  uint8_t* quantized;
};

// Splitting by rows lets all parts read all weights, splitting by columns lets all
// quantize all rows: the former once each part has rows for a few tiles.
Area area_of(const tfn_matmul& p, tfn_part part) {
  Area area = {{0, p.m}, {0, p.n}};
  if (p.m >= p.n || p.m >= 4 * kInt8Rows * (int64_t)part.count) {
    area.rows = share(p.m, kInt8Rows, part);
  } else {
    area.columns = share(p.n, TFN_PANEL, part);
  }
  return area;
}

// So many rows that all tiles of a block are nearly equal.
int next_tile_rows(int64_t left) {
  const int64_t tiles = (left + kInt8Rows - 1) / kInt8Rows;
  return (int)((left + tiles - 1) / tiles);
}

int next_tile_vectors(int64_t columns, int most) {
  const int64_t needed = (columns + kLanes - 1) / kLanes;
  int vectors = most;
  while (vectors > needed) vectors /= 2;
  // What does not fill a panel is cheaper in one tile than in two.
  if (vectors < needed && vectors < kPanelVectors && vectors < most) vectors *= 2;
  return vectors;
}

Int8Right right_side(const Int8Product& p, int64_t column) {
  const int64_t weights_bytes = groups_of(p.sizes.k) * TFN_PANEL * 4;
  const int64_t panel_bytes = weights_bytes + TFN_PANEL * 8;
  const int8_t* const panel =
      (const int8_t*)p.operands.rhs + column / TFN_PANEL * panel_bytes;
  const int64_t in_panel = column % TFN_PANEL;
  return {panel + in_panel * 4, (const int32_t*)(panel + weights_bytes) + in_panel,
          (const float*)(panel + weights_bytes) + TFN_PANEL + in_panel, panel_bytes};
}

// All rows of a block, times a few vectors of columns.
void multiply_columns(const Int8Product& p, Range rows, int64_t column, int vectors,
                      const Target& target) {
  const Int8Right right = right_side(p, column);
  const int64_t row_bytes = quantized_bytes(p.sizes.k);
  Int8Segment segment;
  segment.group = 0;
  Int8Left left = {&segment, 1, groups_of(p.sizes.k), p.ranges};
  const uint8_t* from = p.quantized;
  for (int64_t i = rows.begin; i < rows.end;) {
    const int count = next_tile_rows(rows.end - i);
    float* to[kInt8Rows];
    for (int r = 0; r < count; ++r, from += row_bytes) {
      segment.row[r] = from;
      to[r] = p.operands.out + (i + r) * p.sizes.out.row_stride +
              column * p.sizes.out.col_stride;
    }
    find_int8_tile(count, vectors)(left, right, to, target);
    left.ranges += count;
    i += count;
  }
}

void multiply_block(const Int8Product& p, const Area& area) {
  const int64_t count = area.rows.end - area.rows.begin;
  const tfn_matrix& lhs = p.sizes.lhs;
  quantize_rows(count, p.sizes.k,
                {p.operands.lhs + area.rows.begin * lhs.row_stride, lhs.row_stride,
                 lhs.col_stride},
                p.quantized, p.ranges);
  const int most = int8_vectors(next_tile_rows(count));
  Target target;
  target.stride = p.sizes.out.col_stride;
  target.epilogue = &p.epilogue;
  for (int64_t j = area.columns.begin; j < area.columns.end;) {
    const int vectors = next_tile_vectors(area.columns.end - j, most);
    target.columns = area.columns.end - j;
    target.channel = j;
    multiply_columns(p, area.rows, j, vectors, target);
    j += vectors * kLanes;
  }
}

}  // namespace

void TFN_KERNEL(matmul_int8_dynamic)(const void* params, const tfn_operands* o,
                                     tfn_part part) {
  const tfn_matmul& p = *(const tfn_matmul*)params;
  const Epilogue epilogue(p.epilogue, *o);
  const int64_t rows = p.m < TFN_INT8_ROWS ? p.m : TFN_INT8_ROWS;
  const Int8Product product = {p, *o, epilogue, (RowRange*)o->scratch,
                               (uint8_t*)o->scratch + rows * sizeof(RowRange)};
  Area area = area_of(p, part);
  const int64_t end = area.rows.end;
  for (int64_t i = area.rows.begin; i < end; i += TFN_INT8_ROWS) {
    area.rows = {i, end - i < TFN_INT8_ROWS ? end : i + TFN_INT8_ROWS};
    multiply_block(product, area);
  }
}
