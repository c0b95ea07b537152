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

#if defined(TFN_INT8_PAIRS_ARM)

// Two groups of two rows: the instruction takes eight numbers of each.
INLINE int8x16_t load_rows(const uint8_t* first, const uint8_t* second) {
  return vcombine_s8(vld1_s8((const int8_t*)first), vld1_s8((const int8_t*)second));
}

// Two groups of four columns: those of two columns, and of the other two.
INLINE int32x4x2_t load_columns(const int8_t* weights, bool is_last) {
  const int8_t* const next = weights + kGroupOfWeights;
  const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(weights));
  const int32x4_t second =
      is_last ? vdupq_n_s32(0) : vreinterpretq_s32_s8(vld1q_s8(next));
  return {{vzip1q_s32(first, second), vzip2q_s32(first, second)}};
}

// Pairs of rows times pairs of columns, of which a sum has the four products. The last
// of an odd number of rows stands for two. Behind an odd number of groups, rows are
// padded with anything.
template <int kPairs, int kVectors>
INLINE void add_pairs(int32x4_t (&sums)[kPairs][2 * kVectors],
                      const uint8_t* const* row, int64_t at, const int8_t* weights,
                      int64_t panel_bytes, bool is_last) {
  int8x16_t x[kPairs];
  UNROLL for (int p = 0; p < kPairs; ++p) {
    x[p] = load_rows(row[2 * p] + at, row[2 * p + 1] + at);
  }
  UNROLL for (int v = 0; v < kVectors; ++v) {
    const int32x4x2_t w = load_columns(weights + int8_place(v, panel_bytes), is_last);
    UNROLL for (int p = 0; p < kPairs; ++p) {
      UNROLL for (int i = 0; i < 2; ++i) {
        sums[p][2 * v + i] =
            vmmlaq_s32(sums[p][2 * v + i], x[p], vreinterpretq_s8_s32(w.val[i]));
      }
    }
  }
}

template <int kRows, int kVectors>
void tile_of_pairs(const Int8Left& left, const Int8Right& right, IntVec* sums) {
  constexpr int kPairs = (kRows + 1) / 2;
  int32x4_t pairs[kPairs][2 * kVectors];
  UNROLL for (int p = 0; p < kPairs; ++p) {
    UNROLL for (int i = 0; i < 2 * kVectors; ++i) pairs[p][i] = vdupq_n_s32(0);
  }
  const int64_t panel_bytes = right.panel_bytes;
  for (int64_t s = 0; s < left.count; ++s) {
    const Int8Segment& segment = left.segments[s];
    const uint8_t* row[2 * kPairs];
    UNROLL for (int r = 0; r < 2 * kPairs; ++r) {
      row[r] = segment.row[r < kRows ? r : kRows - 1];
    }
    const int8_t* weights = right.weights + segment.group * kGroupOfWeights;
    int64_t groups = left.groups, at = 0;
    for (; groups >= 2; groups -= 2, at += 2 * kGroupBytes) {
      add_pairs<kPairs, kVectors>(pairs, row, at, weights, panel_bytes, false);
      weights += 2 * kGroupOfWeights;
    }
    if (groups) {
      add_pairs<kPairs, kVectors>(pairs, row, at, weights, panel_bytes, true);
    }
  }
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const int32x4_t a = pairs[r / 2][2 * v], b = pairs[r / 2][2 * v + 1];
      sums[r * kVectors + v] =
          (IntVec)(r % 2 ? vcombine_s32(vget_high_s32(a), vget_high_s32(b))
                         : vcombine_s32(vget_low_s32(a), vget_low_s32(b)));
    }
  }
}

// With one row, half of what the instruction does would be lost.
template <int kRows, int kVectors>
constexpr Int8Tile* best_tile() {
  if constexpr (kRows > 1) {
    return tile_of_pairs<kRows, kVectors>;
  } else {
    return tile<kRows, kVectors>;
  }
}

#else

template <int kRows, int kVectors>
constexpr Int8Tile* best_tile() {
  return tile<kRows, kVectors>;
}

#endif

// The tiles of so many rows, by the number of vectors.
template <int kRows>
Int8Tile* of_rows(int vectors) {
  constexpr int kMost = int8_vectors(kRows), kMost4 = kMost < 4 ? kMost : 4;
  switch (vectors) {
    case 1: return best_tile<kRows, 1>();
    case 2: return best_tile<kRows, 2>();
    case 4: return best_tile<kRows, kMost4>();
    default: return best_tile<kRows, kMost>();
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
