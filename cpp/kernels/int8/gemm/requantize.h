// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From sums of whole numbers to floats, with the same bits on every machine.
#pragma once

#include <float.h>

#include "int8/gemm/floats.h"

namespace TFN_NAMESPACE {

// What quantized rows are multiplied with, and how far their numbers are from zero: a
// number q stands for scale * (q - offset).
struct RowRange {
  float scale;
  int32_t offset;
};

// The scale of a row times those of channels: 0 where it would be near the smallest
// normal number, which machines flush to zero by different rules, and never infinite,
// so that a sum of 0 gives 0. NaN passes.
INLINE Vec joined_scales(float of_row, Vec of_channels) {
  const Vec least = broadcast(2 * FLT_MIN), most = broadcast(FLT_MAX);
  Vec scale = broadcast(of_row) * of_channels;
  scale = scale < least ? Vec{} : scale;
  return smaller(most, scale);
}

// The value of sums over a row, of columns whose weights add up to `column_sums`.
INLINE Vec dequantize(IntVec sums, IntVec column_sums, Vec scales, RowRange row) {
  const IntVec whole = sums - row.offset * column_sums;
  return rounded(__builtin_convertvector(whole, Vec) *
                 joined_scales(row.scale, scales));
}

}  // namespace TFN_NAMESPACE
