// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The register tile of quantized products: a few rows times a few vectors of columns.
// As gemm/tile.h, whose Segments say what the left side may be.
#pragma once

#include "gemm/quantize_rows.h"

namespace TFN_NAMESPACE {

// Most rows of a tile.
#if defined(TFN_INT8_WORDS)
constexpr int kInt8Rows = kLanes == 16 ? 8 : kLanes == 8 ? 5 : 4;
#elif defined(TFN_INT8_NEON)
constexpr int kInt8Rows = kRegisters == 32 ? 4 : 2;
#elif defined(TFN_INT8_DOT_ARM)
constexpr int kInt8Rows = 5;
#else
constexpr int kInt8Rows = kRegisters == 32 || kLanes == 8 ? 6 : 2;
#endif

// How many vectors a tile of so many rows should have at most.
constexpr int int8_vectors(int rows) {
#if defined(TFN_INT8_NEON)
  return kRegisters == 16 || rows > 2 ? 2 : rows == 2 ? 4 : 8;
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

// The left side of a tile: `count` segments of `groups` each, and the ranges of its
// rows.
struct Int8Left {
  const Int8Segment* segments;
  int64_t count, groups;
  const RowRange* ranges;
};

// The right side, from the tile's first column on: weights, and what panels have behind
// them. Panels are `panel_bytes` apart.
struct Int8Right {
  const int8_t* weights;
  const int32_t* sums;
  const float* scales;
  int64_t panel_bytes;
};

// `to`: where each row's first result goes.
typedef void Int8Tile(const Int8Left& left, const Int8Right& right, float* const* to,
                      const Target& target);

// The tile of so many rows (1 to kInt8Rows) and vectors of columns (1, 2, 4 or 8, at
// most int8_vectors(rows)).
Int8Tile* find_int8_tile(int rows, int vectors);

}  // namespace TFN_NAMESPACE
