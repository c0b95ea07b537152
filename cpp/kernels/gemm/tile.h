// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The register tile that products and convolutions are made of: a few rows times a
// few vectors of columns, accumulated in registers, in pieces of k.
#pragma once

#include "epilogue.h"
#include "gemm/weight_types.h"

namespace TFN_NAMESPACE {

// Most rows of a tile: its accumulators, the vectors of a row of weights and a
// broadcast element fit the registers.
constexpr int kMaxRows = kRegisters == 16 && kLanes == 4 ? 2 : 6;

// So many products are summed in the registers, and then added to what is in memory:
// the error of a sum grows with its length, and products of deep layers have
// thousands. Costs 1 to 2% of the time.
constexpr int64_t kSummedInRegisters = 256;

// And so many of these pieces there, before they are added to the sum of all: with
// 150,528 products, of an image of 224 x 224 x 3, there are 588.
constexpr int kPiecesTogether = 16;

// Vectors in a panel of packed weights.
constexpr int kPanelVectors = TFN_PANEL / kLanes;

// A run of consecutive k: where each row's elements begin, and which row of the
// right side belongs to the first of them.
struct Segment {
  int64_t k;
  const float* row[kMaxRows];
};

// The left side of a tile: `count` segments of `length` elements each, `stride`
// apart. An element that is padding is read from zeros somewhere.
struct LeftSide {
  const Segment* segments;
  int64_t count, length, stride;
};

// The right side, from the tile's first column on. A panel is TFN_PANEL columns;
// its rows are `row_stride` apart, panels `panel_stride`. W: what is stored.
template <typename W>
struct RightSideOf {
  const W* data;
  int64_t row_stride, panel_stride;
};

typedef RightSideOf<float> RightSide;

// What becomes of the results of a tile: each of its rows has `columns` of them or
// more to give, `stride` apart. The first column is output channel `channel`.
struct Target {
  int64_t stride, columns, channel;
  const Epilogue* epilogue;
};

// `to`: where each row's first result goes.
template <typename W>
using Tile = void(const LeftSide& left, const RightSideOf<W>& right, float* const* to,
                  const Target& target);

// The tile of so many rows (1 to kMaxRows) and vectors of columns, of which there
// are tiles for 1, 2 and 4, and for 8 with at most two rows. Vectors of one tile
// cover whole panels, or the first part of one.
template <typename W>
Tile<W>* find_tile(int rows, int vectors, bool unit_stride);

// `tiles` tiles, one below the other, of a matrix whose rows are dense: k elements,
// rows `left_stride` apart. Rows of results are `out_stride` apart.
struct Strip {
  const float* left;
  int64_t left_stride, k, tiles;
  float* out;
  int64_t out_stride;
};

template <typename W>
using StripTile = void(const Strip& strip, const RightSideOf<W>& right,
                       const Target& target);

template <typename W>
StripTile<W>* find_strip(int rows, int vectors);

// How many vectors a tile of so many rows should have at most.
constexpr int max_vectors(int rows) {
  if (rows <= (kRegisters == 32 ? 2 : 1)) return 8;
  if (kLanes == 8) return rows <= 3 ? 4 : 2;
  return 4;
}

// The number of vectors of the next tile when so many columns are left.
inline int next_vectors(int64_t columns, int most) {
  const int64_t needed = (columns + kLanes - 1) / kLanes;
  int vectors = most;
  while (vectors > needed) vectors /= 2;
  // What does not fill a panel is cheaper in one tile than in two.
  if (vectors < needed && vectors < kPanelVectors) vectors *= 2;
  return vectors;
}

}  // namespace TFN_NAMESPACE
