// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/int8_tile.h"

namespace TFN_NAMESPACE {
namespace {

// A group of activations has the weights of all columns of a panel next to it.
constexpr int64_t kGroupOfWeights = TFN_PANEL * 4;

// What belongs to vector `v` of a tile's columns, in bytes from the first.
INLINE int64_t place(int v, int64_t panel_bytes) {
  return v / kPanelVectors * panel_bytes + v % kPanelVectors * kLanes * 4;
}

// One group of each row. What there is less of stays in registers.
template <int kRows, int kVectors>
INLINE void step(Sum (&sum)[kRows][kVectors], const uint8_t* const* row, int64_t at,
                 const int8_t* weights, int64_t panel_bytes) {
  if (kRows < kVectors) {
    Activations x[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) x[r] = load_activations(row[r] + at);
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Weights w = load_weights(weights + place(v, panel_bytes));
      UNROLL for (int r = 0; r < kRows; ++r) add_products(sum[r][v], x[r], w);
    }
  } else {
    Weights w[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) {
      w[v] = load_weights(weights + place(v, panel_bytes));
    }
    UNROLL for (int r = 0; r < kRows; ++r) {
      const Activations x = load_activations(row[r] + at);
      UNROLL for (int v = 0; v < kVectors; ++v) add_products(sum[r][v], x, w[v]);
    }
  }
}

// Results that are not next to each other, or fewer than a vector has.
__attribute__((noinline)) void finish_partly(const Vec* value, int rows, int vectors,
                                             float* const* row, const Target& out) {
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      const int64_t left = out.columns - v * kLanes;
      if (left <= 0) break;
      out.epilogue->finish(value[r * vectors + v], out.channel + v * kLanes,
                           row[r] + v * kLanes * out.stride, out.stride,
                           left < kLanes ? left : kLanes);
    }
  }
}

template <int kRows, int kVectors>
INLINE void finish(const Vec (&value)[kRows][kVectors], float* const* row,
                   const Target& out) {
  const Epilogue& epilogue = *out.epilogue;
  const float* const bias = epilogue.bias(out.channel);
  const Clamp clamp = epilogue.clamp();
  UNROLL for (int r = 0; r < kRows; ++r) {
    const float* const addend = epilogue.addend(row[r]);
    UNROLL for (int v = 0; v < kVectors; ++v) {
      Vec result = value[r][v];
      if (bias) result += load(bias + v * kLanes);
      if (addend) result += load(addend + v * kLanes);
      store(row[r] + v * kLanes, clamp(result));
    }
  }
  if (epilogue.has_activation()) epilogue.activate(row, kRows, kVectors);
}

template <int kRows, int kVectors>
void tile(const Int8Left& left, const Int8Right& right, float* const* to,
          const Target& out) {
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
  Vec value[kRows][kVectors];
  UNROLL for (int v = 0; v < kVectors; ++v) {
    const int64_t at = place(v, panel_bytes) / 4;
    const IntVec column_sums = load_ints(right.sums + at);
    const Vec scales = load(right.scales + at);
    UNROLL for (int r = 0; r < kRows; ++r) {
      value[r][v] = dequantize(total(sum[r][v]), column_sums, scales, left.ranges[r]);
    }
  }
  if (out.stride == 1 && out.columns >= kVectors * kLanes) {
    finish(value, to, out);
  } else {
    finish_partly(&value[0][0], kRows, kVectors, to, out);
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
