// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions, but for what becomes of their sums.
#pragma once

#include "int8/gemm/tile.h"
#include "quantized.h"

namespace TFN_NAMESPACE {

// The sums of a tile, and where results go: the first of each row, in elements of the
// output, which has `columns` or more from there on.
struct Int8Sums {
  const IntVec* sums;
  int rows, vectors;
  int64_t at[kInt8Rows];
  int64_t columns;
  Int8Right right;
};

// Makes results of sums.
typedef void Int8Finish(const tfn_conv_int8& p, const tfn_operands& o,
                        const Int8Sums& tile);

// A part of a convolution. Images of the output are `image_elements` apart.
void convolve_int8(const tfn_conv_int8& p, const tfn_operands& o, tfn_part part,
                   Int8Finish* finish, int64_t image_elements);

// Numbers behind the weights of a panel, for each channel.
constexpr int kConvolutionNumbers = 3;

// What one vector of channels adds to its sums, and multiplies them with.
class Int8Channels {
 public:
  Int8Channels() = default;
  INLINE Int8Channels(const tfn_conv_int8& p, const Int8Sums& tile, int vector) {
    const int32_t* const numbers =
        tile.right.behind + int8_place(vector, tile.right.panel_bytes) / 4;
    // Modulo 2^32, since only what it is added to gives a sum that fits.
    typedef uint32_t Unsigned __attribute__((vector_size(kLanes * 4)));
    const uint32_t zero = (uint32_t)(kActivationBias - p.input_zero);
    offset_ = (IntVec)((Unsigned)load_ints(numbers) * zero +
                       (Unsigned)load_ints(numbers + TFN_PANEL));
    multiplier_ = load((const float*)(numbers + 2 * TFN_PANEL));
  }

  INLINE Vec operator()(IntVec sums) const {
    return rounded(__builtin_convertvector(sums + offset_, Vec) * multiplier_);
  }

 private:
  IntVec offset_;
  Vec multiplier_;
};

}  // namespace TFN_NAMESPACE
