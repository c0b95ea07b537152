// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized products of whole blocks of rows, on CPU levels that have a matrix unit:
// AMX of x86-64. Sums are those of the tiles.
#pragma once

#include "int8/gemm/tile.h"

namespace TFN_NAMESPACE {

// Most vectors of sums that a block of rows has: what a matrix unit computes at once,
// or else a tile.
constexpr int kMatrixVectors = 2;
constexpr int kMostMatrixRows = 96;
constexpr int kMostBlockSums =
    kHasInt8Matrix ? kMostMatrixRows * kMatrixVectors : kMostInt8Sums;

// Rows of activations, `stride` bytes apart, each padded to whole lines with anything.
struct Int8Block {
  const uint8_t* first;
  int64_t stride, rows;
};

#if defined(TFN_INT8_MATRIX)

// Whether blocks of products of `k` activations are for the matrix unit. `room`: rows
// that may be read of every block, whether or not they belong to it.
inline bool takes_int8_matrix(int64_t room, int64_t k) {
  return room >= kMatrixRows && k >= kLeastMatrixK;
}

// Sets the matrix unit up for this thread, and gives it back, which lets the operating
// system save less when it switches threads.
class Int8Matrix {
 public:
  explicit Int8Matrix(bool is_used) : is_used_(is_used) {
    if (is_used_) configure();
  }
  ~Int8Matrix() {
    if (is_used_) release();
  }
  Int8Matrix(const Int8Matrix&) = delete;
  Int8Matrix& operator=(const Int8Matrix&) = delete;

  bool is_used() const { return is_used_; }

  // Writes the sums of all rows, with `vectors` vectors each, at most kMatrixVectors.
  void multiply(const Int8Block& left, int64_t groups, const Int8Right& right,
                int vectors, IntVec* sums) const;

 private:
  static void configure();
  static void release();

  const bool is_used_;
};

#else

inline bool takes_int8_matrix(int64_t, int64_t) { return false; }

class Int8Matrix {
 public:
  explicit Int8Matrix(bool) {}
  bool is_used() const { return false; }
  void multiply(const Int8Block&, int64_t, const Int8Right&, int, IntVec*) const {}
};

#endif

}  // namespace TFN_NAMESPACE
