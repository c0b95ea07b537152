// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The product of rows that are quantized here with weights that are quantized already.
#include "int8/gemm/matrix.h"

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
  const Int8Matrix& matrix;
};

// Splitting by rows lets all parts read all weights, splitting by columns lets all
// quantize all rows: the former once each part has rows for a few tiles.
Area area_of(const tfn_matmul& p, tfn_part part) {
  Area area = {{0, p.m}, {0, p.n}};
  constexpr int64_t kRows = kHasInt8Matrix ? kMatrixRows : kInt8Rows;
  if (p.m >= p.n || p.m >= 4 * kRows * (int64_t)part.count) {
    area.rows = share(p.m, kRows, part);
  } else {
    area.columns = share(p.n, TFN_PANEL, part);
  }
  return area;
}

// Where the results of a tile go: the first of each row.
struct Places {
  float* to[kInt8Rows];
  int rows;
};

// Results that are not next to each other, or fewer than a vector has.
__attribute__((noinline)) void finish_partly(const Vec& value, float* row, int64_t at,
                                             const Target& out) {
  const int64_t left = out.columns - at;
  out.epilogue->finish(value, out.channel + at, row + at * out.stride, out.stride,
                       left < kLanes ? left : kLanes);
}

// Makes results of the sums of a tile.
void finish(const IntVec* sums, int vectors, const Int8Right& right,
            const RowRange* ranges, const Places& places, const Target& out) {
  const Epilogue& epilogue = *out.epilogue;
  const Clamp clamp = epilogue.clamp();
  const bool whole = out.stride == 1 && out.columns >= vectors * kLanes;
  for (int v = 0; v < vectors && v * kLanes < out.columns; ++v) {
    const int64_t place = int8_place(v, right.panel_bytes) / 4, at = v * kLanes;
    const IntVec column_sums = load_ints(right.behind + place);
    const Vec scales = load((const float*)(right.behind + place + TFN_PANEL));
    const float* const bias = epilogue.bias(out.channel + at);
    const Vec added = bias && whole ? load(bias) : Vec{};
    for (int r = 0; r < places.rows; ++r) {
      Vec value = dequantize(sums[r * vectors + v], column_sums, scales, ranges[r]);
      if (!whole) {
        finish_partly(value, places.to[r], at, out);
        continue;
      }
      float* const to = places.to[r] + at;
      if (bias) value += added;
      if (const float* const addend = epilogue.addend(to)) value += load(addend);
      store(to, clamp(value));
    }
  }
  if (whole && epilogue.has_activation()) {
    epilogue.activate(places.to, places.rows, vectors);
  }
}

// All rows of a block, times a few vectors of columns.
void multiply_columns(const Int8Product& p, Range rows, int64_t column, int vectors,
                      const Target& target) {
  const Int8Right right = int8_right(p.operands.rhs, p.sizes.k, 2, column);
  const int64_t row_bytes = quantized_bytes(p.sizes.k);
  Int8Segment segment;
  segment.group = 0;
  const Int8Left left = {&segment, 1, groups_of(p.sizes.k)};
  const RowRange* ranges = p.ranges;
  const uint8_t* from = p.quantized;
  IntVec sums[kMostBlockSums];
  const bool at_once = p.matrix.is_used();
  if (at_once) {
    const Int8Block block = {p.quantized, row_bytes, rows.end - rows.begin};
    p.matrix.multiply(block, left.groups, right, vectors, sums);
  }
  for (int64_t i = rows.begin; i < rows.end;) {
    Places places;
    const int count = places.rows = next_int8_rows(rows.end - i);
    for (int r = 0; r < count; ++r, from += row_bytes) {
      segment.row[r] = from;
      places.to[r] = p.operands.out + (i + r) * p.sizes.out.row_stride +
                     column * p.sizes.out.col_stride;
    }
    if (!at_once) find_int8_tile(count, vectors)(left, right, sums);
    const IntVec* const of_tile = at_once ? sums + (i - rows.begin) * vectors : sums;
    finish(of_tile, vectors, right, ranges, places, target);
    ranges += count;
    i += count;
  }
}

// Behind the ranges, and for a matrix unit where a line begins.
uint8_t* quantized_rows(const tfn_operands& o, int64_t rows, const Int8Matrix& matrix) {
  const uintptr_t at = (uintptr_t)o.scratch + (size_t)rows * sizeof(RowRange);
  return (uint8_t*)(matrix.is_used() ? (at + 63) / 64 * 64 : at);
}

void multiply_block(const Int8Product& p, const Area& area) {
  const int64_t count = area.rows.end - area.rows.begin;
  const tfn_matrix& lhs = p.sizes.lhs;
  quantize_rows(count, p.sizes.k,
                {p.operands.lhs + area.rows.begin * lhs.row_stride, lhs.row_stride,
                 lhs.col_stride},
                p.quantized, p.ranges);
  const int most =
      p.matrix.is_used() ? kMatrixVectors : int8_vectors(next_int8_rows(count));
  Target target;
  target.stride = p.sizes.out.col_stride;
  target.epilogue = &p.epilogue;
  for (int64_t j = area.columns.begin; j < area.columns.end;) {
    const int vectors = next_int8_vectors(area.columns.end - j, most);
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
  const Int8Matrix matrix(takes_int8_matrix(rows, p.k));
  const Int8Product product = {
      p, *o, epilogue, (RowRange*)o->scratch, quantized_rows(*o, rows, matrix), matrix};
  Area area = area_of(p, part);
  const int64_t end = area.rows.end;
  for (int64_t i = area.rows.begin; i < end; i += TFN_INT8_ROWS) {
    area.rows = {i, end - i < TFN_INT8_ROWS ? end : i + TFN_INT8_ROWS};
    multiply_block(product, area);
  }
}
