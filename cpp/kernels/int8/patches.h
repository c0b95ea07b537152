// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The left side of a quantized convolution whose windows are copied together into rows
// of a matrix (im2col), in the form of the CPU level.
#pragma once

#include "int8/gemm/tile.h"
#include "int8/window.h"

namespace TFN_NAMESPACE {

// Distance of two patches of `k` activations as the scratch of the kernels has it.
inline int64_t int8_scratch_bytes(int64_t k) {
  return 2 * ((k + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL);
}

// Distance of two patches: all of that, or whole lines for a matrix unit, with room for
// what a copy writes behind its end.
inline int64_t int8_patch_bytes(int64_t k) {
  if (kHasInt8Matrix && k >= kLeastMatrixK) return (k + 15 + 63) / 64 * 64;
  return int8_scratch_bytes(k);
}

// Copies the next windows, each to a patch.
void copy_patches(const Int8Geometry& g, Int8Windows windows, int64_t count,
                  int padding, uint8_t* patches);

}  // namespace TFN_NAMESPACE
