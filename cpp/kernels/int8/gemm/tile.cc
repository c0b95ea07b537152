// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/gemm/tile.h"

namespace TFN_NAMESPACE {
namespace {

// A group of activations has the weights of all columns of a panel next to it.
constexpr int64_t kGroupOfWeights = TFN_PANEL * 4;

// One group of each row. What there is less of stays in registers.
template <int kRows, int kVectors>
INLINE void step(Sum (&sum)[kRows][kVectors], const uint8_t* const* row, int64_t at,
                 const int8_t* weights, int64_t panel_bytes) {
  if (kRows < kVectors) {
    Activations x[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) x[r] = load_activations(row[r] + at);
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Weights w = load_weights(weights + int8_place(v, panel_bytes));
      UNROLL for (int r = 0; r < kRows; ++r) add_products(sum[r][v], x[r], w);
    }
  } else {
    Weights w[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) {
      w[v] = load_weights(weights + int8_place(v, panel_bytes));
    }
    UNROLL for (int r = 0; r < kRows; ++r) {
      const Activations x = load_activations(row[r] + at);
      UNROLL for (int v = 0; v < kVectors; ++v) add_products(sum[r][v], x, w[v]);
    }
  }
}

template <int kRows, int kVectors>
void tile(const Int8Left& left, const Int8Right& right, IntVec* sums) {
  static_assert(kRows * kVectors <= kMostInt8Sums, "there is room for all sums");
  Sum sum[kRows][kVectors];
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] = Sum{};
  }
  const int64_t panel_bytes = right.panel_bytes;
  for (int64_t s = 0; s < left.count; ++s) {
    const Int8Segment& segment = left.segments[s];
    const uint8_t* row[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) row[r] = segment.row[r];
    const int8_t* weights = right.weights + segment.group * kGroupOfWeights;
    const int64_t end = left.groups * kGroupBytes;
    for (int64_t at = 0; at < end; at += kGroupBytes, weights += kGroupOfWeights) {
      step<kRows, kVectors>(sum, row, at, weights, panel_bytes);
    }
  }
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      sums[r * kVectors + v] = total(sum[r][v]);
    }
  }
}

// The tiles of so many rows, by the number of vectors.
template <int kRows>
Int8Tile* of_rows(int vectors) {
  constexpr int kMost = int8_vectors(kRows);
  switch (vectors) {
    case 1: return tile<kRows, 1>;
    case 2: return tile<kRows, 2>;
    case 4: return tile < kRows, kMost < 4 ? kMost : 4 > ;
    default: return tile<kRows, kMost>;
  }
}

template <int kRows>
Int8Tile* find(int rows, int vectors) {
  return rows == kRows ? of_rows<kRows>(vectors) : find<kRows - 1>(rows, vectors);
}
template <>
Int8Tile* find<1>(int, int vectors) {
  return of_rows<1>(vectors);
}

}  // namespace

Int8Tile* find_int8_tile(int rows, int vectors) {
  return find<kInt8Rows>(rows, vectors);
}

}  // namespace TFN_NAMESPACE
