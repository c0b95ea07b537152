// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The register tile of quantized products: a few rows times a few vectors of columns.
// As gemm/tile.h, whose Segments say what the left side may be.
#pragma once

#include "int8/gemm/quantize_rows.h"

namespace TFN_NAMESPACE {

// Most rows of a tile.
#if defined(TFN_INT8_WORDS)
constexpr int kInt8Rows = kLanes == 16 ? 8 : kLanes == 8 ? 5 : 4;
#elif defined(TFN_INT8_NEON)
constexpr int kInt8Rows = kRegisters == 32 ? 4 : 2;
#elif defined(TFN_INT8_PAIRS_ARM)
constexpr int kInt8Rows = 8;
#elif defined(TFN_INT8_DOT_ARM)
constexpr int kInt8Rows = 5;
#else
constexpr int kInt8Rows = kRegisters == 32 || kLanes == 8 ? 6 : 2;
#endif

// How many vectors a tile of so many rows should have at most.
constexpr int int8_vectors(int rows) {
#if defined(TFN_INT8_NEON)
  return kRegisters == 16 || rows > 2 ? 2 : rows == 2 ? 4 : 8;
#elif defined(TFN_INT8_PAIRS_ARM)
  return rows > 4 ? 2 : rows > 2 ? 4 : 8;
#elif defined(TFN_INT8_WORDS)
  if (rows <= 2) return kLanes == 16 ? 8 : rows == 1 ? 8 : 4;
  return kLanes == 16 && rows <= 4 ? 4 : 2;
#else
  return max_vectors(rows);
#endif
}

// A run of groups of activations: where each row's begin, and which group of the right
// side belongs to the first of them.
struct Int8Segment {
  int64_t group;
  const uint8_t* row[kInt8Rows];
};

// The left side of a tile: `count` segments of `groups` each.
struct Int8Left {
  const Int8Segment* segments;
  int64_t count, groups;
};

// The right side, from the tile's first column on: weights, and what panels have behind
// them, of which the sums of weights are the first. Panels are `panel_bytes` apart.
struct Int8Right {
  const int8_t* weights;
  const int32_t* behind;
  int64_t panel_bytes;
};

// What belongs to vector `v` of a tile's columns, in bytes from the first.
INLINE int64_t int8_place(int v, int64_t panel_bytes) {
  return v / kPanelVectors * panel_bytes + v % kPanelVectors * kLanes * 4;
}

// The right side from `column` on, where panels of `k` weights have so many numbers of
// four bytes behind them for each column.
inline Int8Right int8_right(const void* panels, int64_t k, int behind, int64_t column) {
  const int64_t weights_bytes = groups_of(k) * TFN_PANEL * 4;
  const int64_t panel_bytes = weights_bytes + behind * TFN_PANEL * 4;
  const int8_t* const panel = (const int8_t*)panels + column / TFN_PANEL * panel_bytes;
  const int64_t in_panel = column % TFN_PANEL;
  return {panel + in_panel * 4, (const int32_t*)(panel + weights_bytes) + in_panel,
          panel_bytes};
}

// Most vectors of sums that a tile has.
constexpr int kMostInt8Sums = 32;

// Writes the sums of all rows, with `vectors` vectors each. Whoever calls a tile makes
// results of them, so that one set of tiles is enough for all kinds of results.
typedef void Int8Tile(const Int8Left& left, const Int8Right& right, IntVec* sums);

// The tile of so many rows (1 to kInt8Rows) and vectors of columns (1, 2, 4 or 8, at
// most int8_vectors(rows)).
Int8Tile* find_int8_tile(int rows, int vectors);

// So many of the rows that are left that all tiles of a block are nearly equal.
inline int next_int8_rows(int64_t left) {
  const int64_t tiles = (left + kInt8Rows - 1) / kInt8Rows;
  return (int)((left + tiles - 1) / tiles);
}

// The number of vectors of the next tile when so many columns are left.
inline int next_int8_vectors(int64_t columns, int most) {
  const int64_t needed = (columns + kLanes - 1) / kLanes;
  int vectors = most;
  while (vectors > needed) vectors /= 2;
  // What does not fill a panel is cheaper in one tile than in two.
  if (vectors < needed && vectors < kPanelVectors && vectors < most) vectors *= 2;
  return vectors;
}

}  // namespace TFN_NAMESPACE
