// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Rows of floats to rows of 8 bits, by the range of each row: see kernels.h.
#pragma once

#include "gemm/gemm.h"
#include "int8/gemm/form.h"
#include "int8/gemm/requantize.h"

namespace TFN_NAMESPACE {

// Groups of four activations, the last one padded with anything: weights are 0 there.
inline int64_t groups_of(int64_t k) { return (k + 3) / 4; }

// Bytes of a quantized row in the form of this CPU level: whole vectors of floats, and
// whole lines for a matrix unit.
inline int64_t quantized_bytes(int64_t k) {
  if (kHasInt8Matrix && k >= kLeastMatrixK) return (k + 63) / 64 * 64;
  return (k + TFN_PANEL - 1) / TFN_PANEL * (TFN_PANEL / 4) * kGroupBytes;
}

// Quantizes `count` rows of k elements; `to` has quantized_bytes(k) for each.
void quantize_rows(int64_t count, int64_t k, MatrixView<const float> from, uint8_t* to,
                   RowRange* ranges);

}  // namespace TFN_NAMESPACE
