// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/gemm/matrix.h"

#if defined(TFN_INT8_MATRIX)

namespace TFN_NAMESPACE {
namespace {

// A register holds 16 rows of 64 bytes: of activations, one of each row; of weights,
// a group of four of 16 columns in each; of sums, 16 columns.
constexpr int64_t kLineGroups = 16;
constexpr int64_t kPanelStep = kLineGroups * TFN_PANEL * 4;

#if defined(TFN_INT8_AMX)

// All instructions are in assembly: the intrinsics of GCC 12 do not say that they read
// memory, so that what was written there before may be missing.
template <int kRegister>
INLINE void clear() {
  __asm__ volatile("tilezero %%tmm%c0" ::"i"(kRegister));
}

template <int kRegister>
INLINE void load_lines(const void* from, int64_t stride) {
  __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(kRegister), "r"(from),
                   "r"(stride)
                   : "memory");
}

template <int kRegister>
INLINE void store_lines(void* to, int64_t stride) {
  __asm__ volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(kRegister), "r"(to),
                   "r"(stride)
                   : "memory");
}

template <int kSums, int kLeft, int kRight>
INLINE void add_lines() {
  __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kLeft),
                   "i"(kRight));
}

#else

// What the instructions do.
thread_local uint8_t registers[8][16][64];

template <int kRegister>
void clear() {
  memset(registers[kRegister], 0, sizeof registers[kRegister]);
}

template <int kRegister>
void load_lines(const void* from, int64_t stride) {
  for (int64_t i = 0; i < 16; ++i) {
    memcpy(registers[kRegister][i], (const uint8_t*)from + i * stride, 64);
  }
}

template <int kRegister>
void store_lines(void* to, int64_t stride) {
  for (int64_t i = 0; i < 16; ++i) {
    memcpy((uint8_t*)to + i * stride, registers[kRegister][i], 64);
  }
}

template <int kSums, int kLeft, int kRight>
void add_lines() {
  for (int row = 0; row < 16; ++row) {
    int32_t sums[16];
    memcpy(sums, registers[kSums][row], sizeof sums);
    for (int i = 0; i < 1024; ++i) {
      const int group = i / 64, column = i / 4 % 16, of_group = i % 4;
      sums[column] += registers[kLeft][row][4 * group + of_group] *
                      (int8_t)registers[kRight][group][4 * column + of_group];
    }
    memcpy(registers[kSums][row], sums, sizeof sums);
  }
}

#endif

// Registers: sums of two times 16 rows and two vectors, then both sides.
constexpr int kLeft = 4, kRight = 6;

// Where both sides of a step begin.
struct Sides {
  const uint8_t* left[2];
  int64_t left_stride;
  const int8_t* right;
  int64_t panel_bytes;
};

// 16 groups of 16 or 32 rows, with one or two vectors.
template <bool kTwoRows, bool kTwoVectors>
INLINE void step(const Sides& sides, int64_t left_bytes, const int8_t* right,
                 int64_t panel_bytes) {
  constexpr int64_t kLine = TFN_PANEL * 4;
  load_lines<kRight>(right, kLine);
  load_lines<kLeft>(sides.left[0] + left_bytes, sides.left_stride);
  add_lines<0, kLeft, kRight>();
  if (kTwoVectors) {
    load_lines<kRight + 1>(right + panel_bytes, kLine);
    add_lines<1, kLeft, kRight + 1>();
  }
  if (kTwoRows) {
    load_lines<kLeft + 1>(sides.left[1] + left_bytes, sides.left_stride);
    add_lines<2, kLeft + 1, kRight>();
    if (kTwoVectors) add_lines<3, kLeft + 1, kRight + 1>();
  }
}

// The weights of the last groups, where they do not fill a register: the rest is zeros,
// whatever the activations have there.
struct Rest {
  alignas(64) int8_t weights[kMatrixVectors * kPanelStep];

  void copy(const Int8Right& right, int64_t groups, int vectors) {
    const int64_t first = groups / kLineGroups * kLineGroups;
    const size_t bytes = (size_t)(groups - first) * TFN_PANEL * 4;
    for (int v = 0; v < vectors; ++v) {
      int8_t* const to = weights + v * kPanelStep;
      memcpy(to, right.weights + v * right.panel_bytes + first * TFN_PANEL * 4, bytes);
      memset(to + bytes, 0, kPanelStep - bytes);
    }
  }
};

// Sums of the rows from both first ones on, of which the second are `second` behind.
template <bool kTwoRows, bool kTwoVectors>
void multiply_rows(const Sides& sides, int64_t groups, const Rest& rest, IntVec* sums,
                   int64_t second) {
  constexpr int64_t kVectors = kTwoVectors ? 2 : 1;
  constexpr int64_t kStride = kVectors * (int64_t)sizeof(IntVec);
  clear<0>();
  clear<1>();
  clear<2>();
  clear<3>();
  const int8_t* right = sides.right;
  int64_t left_bytes = 0;
  for (; groups >= kLineGroups; groups -= kLineGroups) {
    step<kTwoRows, kTwoVectors>(sides, left_bytes, right, sides.panel_bytes);
    left_bytes += kLineGroups * 4;
    right += kPanelStep;
  }
  if (groups) {
    step<kTwoRows, kTwoVectors>(sides, left_bytes, rest.weights, kPanelStep);
  }
  store_lines<0>(sums, kStride);
  if (kTwoVectors) store_lines<1>(sums + 1, kStride);
  if (kTwoRows) {
    store_lines<2>(sums + second * kVectors, kStride);
    if (kTwoVectors) store_lines<3>(sums + second * kVectors + 1, kStride);
  }
}

typedef void MultiplyRows(const Sides& sides, int64_t groups, const Rest& rest,
                          IntVec* sums, int64_t second);

MultiplyRows* find(bool two_rows, bool two_vectors) {
  if (two_rows) {
    return two_vectors ? multiply_rows<true, true> : multiply_rows<true, false>;
  }
  return two_vectors ? multiply_rows<false, true> : multiply_rows<false, false>;
}

}  // namespace

#if defined(TFN_INT8_AMX)

void Int8Matrix::configure() {
  // What the instruction reads.
  struct alignas(64) Configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t rows[16];
  };
  static const Configuration configuration = {
      1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
  __asm__ volatile("ldtilecfg %0" ::"m"(configuration));
}

void Int8Matrix::release() { __asm__ volatile("tilerelease"); }

#else

void Int8Matrix::configure() {}
void Int8Matrix::release() {}

#endif

void Int8Matrix::multiply(const Int8Block& left, int64_t groups, const Int8Right& right,
                          int vectors, IntVec* sums) const {
  Rest rest;
  if (groups % kLineGroups) rest.copy(right, groups, vectors);
  // The last 16 rows are whole, and may share some with those before.
  const int64_t last = left.rows < kMatrixRows ? 0 : left.rows - kMatrixRows;
  const auto first_row = [&](int64_t i) { return i < last ? i : last; };
  for (int64_t i = 0; i < left.rows; i += 2 * kMatrixRows) {
    const int64_t a = first_row(i), b = first_row(i + kMatrixRows);
    const Sides sides = {{left.first + a * left.stride, left.first + b * left.stride},
                         left.stride,
                         right.weights,
                         right.panel_bytes};
    const bool two_rows = i + kMatrixRows < left.rows;
    find(two_rows, vectors == 2)(sides, groups, rest, sums + a * vectors, b - a);
  }
}

}  // namespace TFN_NAMESPACE

#endif
