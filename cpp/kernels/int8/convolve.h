// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions, but for what becomes of their sums.
#pragma once

#include "int8/gemm/tile.h"
#include "quantized.h"

namespace TFN_NAMESPACE {

// What the sums of a vector of channels have added to them, and what they are
// multiplied with.
struct Int8Channels {
  IntVec offset;
  Vec multiplier;

  INLINE Vec operator()(IntVec sums) const {
    return rounded(__builtin_convertvector(sums + offset, Vec) * multiplier);
  }
};

// The sums of some pixels, `vectors` vectors of each, and where results go: those of
// pixel r from at[r] + channel on, in elements of the output, which has `columns` or
// more from there on.
struct Int8Sums {
  const IntVec* sums;
  const Int8Channels* channels;  // Of each vector.
  int64_t pixels;
  int vectors;
  const int64_t* at;
  int64_t channel, columns;
};

// Makes results of sums. `results` is what the kernel has prepared.
typedef void Int8Finish(const void* results, const Int8Sums& sums);

// What a kernel does with sums. Images of its output are `image_elements` apart.
struct Int8Finisher {
  Int8Finish* finish;
  Int8Finish* finish_block;  // Once results of all channels of some pixels are there;
                             // or null. There are no sums then.
  const void* results;
  int64_t image_elements;
};

// A part of a convolution.
void convolve_int8(const tfn_conv_int8& p, const tfn_operands& o, tfn_part part,
                   const Int8Finisher& finisher);

}  // namespace TFN_NAMESPACE
