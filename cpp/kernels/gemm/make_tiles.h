// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The tiles, for files that instantiate them for one type of weights each.
#pragma once

#include "gemm/tile.h"

namespace TFN_NAMESPACE {
namespace {

// Results that are not next to each other, or fewer than the tile has columns.
template <int kRows, int kVectors>
__attribute__((noinline)) void finish_partly(const Vec (&sum)[kRows][kVectors],
                                             float* const* row, const Target& out) {
  for (int v = 0; v < kVectors; ++v) {
    const int64_t left = out.columns - v * kLanes;
    if (left <= 0) return;
    for (int r = 0; r < kRows; ++r) {
      out.epilogue->finish(sum[r][v], out.channel + v * kLanes,
                           row[r] + v * kLanes * out.stride, out.stride,
                           left < kLanes ? left : kLanes);
    }
  }
}

// Inline, so that the sums never leave their registers.
template <int kRows, int kVectors>
INLINE void finish(Vec (&sum)[kRows][kVectors], float* const (&row)[kRows],
                   const Target& out) {
  if (out.stride != 1 || out.columns < kVectors * kLanes) {
    // Of a copy: what has its address taken must be in memory.
    Vec copy[kRows][kVectors];
    UNROLL for (int r = 0; r < kRows; ++r) {
      UNROLL for (int v = 0; v < kVectors; ++v) copy[r][v] = sum[r][v];
    }
    return finish_partly(copy, row, out);
  }
  const Epilogue& epilogue = *out.epilogue;
  if (const float* const scale = epilogue.scale(out.channel)) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Vec of_channel = load(scale + v * kLanes);
      UNROLL for (int r = 0; r < kRows; ++r) sum[r][v] *= of_channel;
    }
  }
  if (const float* const bias = epilogue.bias(out.channel)) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      const Vec of_channel = load(bias + v * kLanes);
      UNROLL for (int r = 0; r < kRows; ++r) sum[r][v] += of_channel;
    }
  }
  if (epilogue.has_addend()) {
    UNROLL for (int r = 0; r < kRows; ++r) {
      const float* const addend = epilogue.addend(row[r]);
      UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] += load(addend + v * kLanes);
    }
  }
  const Clamp clamp = epilogue.clamp();
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      store(row[r] + v * kLanes, clamp(sum[r][v]));
    }
  }
  if (epilogue.has_activation()) epilogue.activate(row, kRows, kVectors);
}

template <typename W>
INLINE Vec load_column(const W* columns, int v, int64_t panel_stride) {
  return load_widened(columns + v / kPanelVectors * panel_stride +
                      v % kPanelVectors * kLanes);
}

// One k: the outer product of a column and a row. What there is less of stays in
// registers.
template <int kRows, int kVectors, typename W>
INLINE void step(Vec (&sum)[kRows][kVectors], const float* const* row, int64_t k,
                 const W* columns, int64_t panel_stride) {
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

template <int kRows, int kVectors>
INLINE void clear(Vec (&sum)[kRows][kVectors]) {
  UNROLL for (int r = 0; r < kRows; ++r) {
    UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] = Vec{};
  }
}

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Out of the loops of tiles, which need the registers.
__attribute__((noinline)) void add_to_all(Vec* all, const Vec* pieces, int count,
                                          bool are_first) {
  for (int i = 0; i < count; ++i) {
    all[i] = are_first ? pieces[i] : all[i] + pieces[i];
  }
}

// What sums in registers were before they began again. Apart from those: compilers keep
// in memory what is next to something that has to be there.
template <int kRows, int kVectors>
class Kept {
 public:
  // Written before they are read, which compilers do not see.
  INLINE Kept() { asm("" : "=m"(pieces_), "=m"(all_)); }

  // From registers, which begin again.
  INLINE void keep(Vec (&sum)[kRows][kVectors]) {
    if (count_ > 0) add(pieces_, sum);
    UNROLL for (int r = 0; r < kRows; ++r) {
      UNROLL for (int v = 0; v < kVectors; ++v) pieces_[r][v] = sum[r][v];
    }
    if (++count_ == kPiecesTogether) {
      add_to_all(&all_[0][0], &pieces_[0][0], kRows * kVectors, !any_);
      any_ = true;
      count_ = 0;
    }
    clear(sum);
  }

  // After the last product.
  INLINE void add_to(Vec (&sum)[kRows][kVectors]) const {
    if (count_ > 0) add(pieces_, sum);
    if (any_) add(all_, sum);
  }

 private:
  static INLINE void add(const Vec (&kept)[kRows][kVectors],
                         Vec (&sum)[kRows][kVectors]) {
    UNROLL for (int r = 0; r < kRows; ++r) {
      UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] += kept[r][v];
    }
  }

  Vec pieces_[kRows][kVectors];  // Of `count_`, where there are any.
  Vec all_[kRows][kVectors];     // Of those before, where there are any.
  int count_ = 0;
  bool any_ = false;
};

// Where sums go to memory depends on the segments alone, and in one segment as in a
// strip, so that a row has the same bits in whatever tile it is.
template <typename W, int kRows, int kVectors, bool kUnitStride>
void tile(const LeftSide& left, const RightSideOf<W>& right, float* const* to,
          const Target& out) {
  Vec sum[kRows][kVectors];
  clear(sum);
  Kept<kRows, kVectors> kept;
  const int64_t stride = kUnitStride ? 1 : left.stride;
  int64_t summed = 0;  // Products that are in the registers.
  for (int64_t s = 0; s < left.count; ++s) {
    const Segment& segment = left.segments[s];
    const float* row[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) row[r] = segment.row[r];
    const W* columns = right.data + segment.k * right.row_stride;
    for (int64_t k = 0; k < left.length;) {
      if (summed >= kSummedInRegisters) {
        kept.keep(sum);
        summed = 0;
      }
      const int64_t end = least(k + kSummedInRegisters, left.length);
      summed += end - k;
      for (; k < end; ++k, columns += right.row_stride) {
        step<kRows, kVectors>(sum, row, k * stride, columns, right.panel_stride);
      }
    }
  }
  kept.add_to(sum);
  float* row[kRows];
  UNROLL for (int r = 0; r < kRows; ++r) row[r] = to[r];
  finish(sum, row, out);
}

template <typename W, int kRows, int kVectors>
void strip(const Strip& s, const RightSideOf<W>& right, const Target& out) {
  const float* left = s.left;
  float* to = s.out;
  for (int64_t t = 0; t < s.tiles; ++t) {
    Vec sum[kRows][kVectors];
    clear(sum);
    Kept<kRows, kVectors> kept;
    const float* row[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) row[r] = left + r * s.left_stride;
    const W* columns = right.data;
    for (int64_t k = 0; k < s.k;) {
      if (k > 0) kept.keep(sum);
      const int64_t end = least(k + kSummedInRegisters, s.k);
      for (; k < end; ++k, columns += right.row_stride) {
        step<kRows, kVectors>(sum, row, k, columns, right.panel_stride);
      }
    }
    kept.add_to(sum);
    float* result[kRows];
    UNROLL for (int r = 0; r < kRows; ++r) result[r] = to + r * s.out_stride;
    finish(sum, result, out);
    left += kRows * s.left_stride;
    to += kRows * s.out_stride;
  }
}

// The tiles of a kind, by the number of vectors and of rows.
template <int kRows>
struct Kind {
  static constexpr int kMost = max_vectors(kRows);

  template <template <typename, int, int> class Choice, typename W>
  static auto choose(int vectors) {
    switch (vectors) {
      case 1: return Choice<W, kRows, 1>::get();
      case 2: return Choice<W, kRows, 2>::get();
      case 4: return Choice < W, kRows, kMost < 4 ? 2 : 4 > ::get();
      default: return Choice<W, kRows, kMost>::get();
    }
  }
};

template <template <typename, int, int> class Choice, typename W>
auto choose(int rows, int vectors) {
  switch (rows) {
    case 1: return Kind<1>::choose<Choice, W>(vectors);
    case 2: return Kind<2>::choose<Choice, W>(vectors);
    case 3: return Kind < kMaxRows < 3 ? 2 : 3 > ::template choose<Choice, W>(vectors);
    case 4: return Kind < kMaxRows < 4 ? 2 : 4 > ::template choose<Choice, W>(vectors);
    case 5: return Kind < kMaxRows < 5 ? 2 : 5 > ::template choose<Choice, W>(vectors);
    default: return Kind<kMaxRows>::choose<Choice, W>(vectors);
  }
}

template <typename W, int kRows, int kVectors>
struct UnitTile {
  static Tile<W>* get() { return tile<W, kRows, kVectors, true>; }
};
template <typename W, int kRows, int kVectors>
struct StridedTile {
  static Tile<W>* get() { return tile<W, kRows, kVectors, false>; }
};
template <typename W, int kRows, int kVectors>
struct StripOf {
  static StripTile<W>* get() { return strip<W, kRows, kVectors>; }
};

}  // namespace

// A class, since targets without C++'s library have none of this, and since each file
// would define a constant of its own.
template <typename W>
struct IsFloat {
  static constexpr bool kValue = false;
};
template <>
struct IsFloat<float> {
  static constexpr bool kValue = true;
};

// Of smaller weights there is one kind, which is the one of any stride: widening them
// takes longer than finding the elements, and each kind takes 20 kB.
template <typename W>
Tile<W>* find_tile(int rows, int vectors, bool unit_stride) {
  if constexpr (IsFloat<W>::kValue) {
    if (unit_stride) return choose<UnitTile, W>(rows, vectors);
  }
  return choose<StridedTile, W>(rows, vectors);
}

template <typename W>
StripTile<W>* find_strip(int rows, int vectors) {
  return choose<StripOf, W>(rows, vectors);
}

}  // namespace TFN_NAMESPACE
