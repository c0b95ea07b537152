// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/tile.h"

namespace TFN_NAMESPACE {
namespace {

// Results that are not next to each other, or fewer than the tile has columns.
template <int kRows, int kVectors>
__attribute__((noinline)) void finish_partly(const Vec (&sum)[kRows][kVectors],
                                             const Result& out) {
  for (int v = 0; v < kVectors; ++v) {
    const int64_t left = out.columns - v * kLanes;
    if (left <= 0) return;
    for (int r = 0; r < kRows; ++r) {
      out.epilogue->finish(sum[r][v], out.channel + v * kLanes,
                           out.row[r] + v * kLanes * out.stride, out.stride,
                           left < kLanes ? left : kLanes);
    }
  }
}

// Inline, so that the sums never leave their registers.
template <int kRows, int kVectors>
INLINE void finish(Vec (&sum)[kRows][kVectors], const Result& out) {
  const Epilogue& epilogue = *out.epilogue;
  if (out.stride != 1 || out.columns < kVectors * kLanes) {
    return finish_partly(sum, out);
  }
  if (const float* const bias = epilogue.bias(out.channel)) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Vec of_channel = load(bias + v * kLanes);
      UNROLL for (int r = 0; r < kRows; ++r) sum[r][v] += of_channel;
    }
  }
  UNROLL for (int r = 0; r < kRows; ++r) {
    float* const to = out.row[r];
    if (const float* const addend = epilogue.addend(to)) {
      UNROLL for (int v = 0; v < kVectors; ++v) {
        sum[r][v] += load(addend + v * kLanes);
      }
    }
    UNROLL for (int v = 0; v < kVectors; ++v) {
      store(to + v * kLanes, epilogue.clamp(sum[r][v]));
    }
  }
  if (epilogue.has_activation()) epilogue.activate(out.row, kRows, kVectors);
}

inline Vec load_column(const float* columns, int v, int64_t panel_stride) {
  return load(columns + v / kPanelVectors * panel_stride + v % kPanelVectors * kLanes);
}

// One k: the outer product of a column and a row. What there is less of stays in
// registers.
template <int kRows, int kVectors>
INLINE void step(Vec (&sum)[kRows][kVectors], const float* const* row, int64_t k,
                 const float* columns, int64_t panel_stride) {
  if (kRows < kVectors) {
    Vec x[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) x[r] = broadcast(row[r][k]);
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Vec weights = load_column(columns, v, panel_stride);
      UNROLL for (int r = 0; r < kRows; ++r) sum[r][v] += x[r] * weights;
    }
  } else {
    Vec weights[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) {
      weights[v] = load_column(columns, v, panel_stride);
    }
    UNROLL for (int r = 0; r < kRows; ++r) {
      const Vec x = broadcast(row[r][k]);
      UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] += x * weights[v];
    }
  }
}

template <int kRows, int kVectors, bool kUnitStride>
void tile(const LeftSide& left, const RightSide& right, const Result& out) {
  Vec sum[kRows][kVectors];
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] = Vec{};
  }
  const int64_t stride = kUnitStride ? 1 : left.stride;
  for (int64_t s = 0; s < left.count; ++s) {
    const Segment& segment = left.segments[s];
    const float* row[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) row[r] = segment.row[r];
    const float* columns = right.data + segment.k * right.row_stride;
    for (int64_t k = 0; k < left.length; ++k, columns += right.row_stride) {
      step<kRows, kVectors>(sum, row, k * stride, columns, right.panel_stride);
    }
  }
  finish(sum, out);
}

template <int kRows, bool kUnitStride>
Tile* choose_vectors(int vectors) {
  switch (vectors) {
    case 1: return tile<kRows, 1, kUnitStride>;
    case 2: return tile<kRows, 2, kUnitStride>;
    case 4: return tile < kRows, max_vectors(kRows) < 4 ? 2 : 4, kUnitStride > ;
    default: return tile<kRows, max_vectors(kRows), kUnitStride>;
  }
}

template <bool kUnitStride>
Tile* choose_rows(int rows, int vectors) {
  switch (rows) {
    case 1: return choose_vectors<1, kUnitStride>(vectors);
    case 2: return choose_vectors<2, kUnitStride>(vectors);
    case 3: return choose_vectors < kMaxRows<3 ? 2 : 3, kUnitStride>(vectors);
    case 4: return choose_vectors < kMaxRows<4 ? 2 : 4, kUnitStride>(vectors);
    case 5: return choose_vectors < kMaxRows<5 ? 2 : 5, kUnitStride>(vectors);
    default: return choose_vectors<kMaxRows, kUnitStride>(vectors);
  }
}

}  // namespace

Tile* find_tile(int rows, int vectors, bool unit_stride) {
  return unit_stride ? choose_rows<true>(rows, vectors)
                     : choose_rows<false>(rows, vectors);
}

}  // namespace TFN_NAMESPACE
