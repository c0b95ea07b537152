// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The left side of a quantized convolution whose windows are copied together into rows
// of a matrix (im2col), in the form of the CPU level.
#pragma once

#include "gemm/int8_tile.h"
#include "int8/window.h"

namespace TFN_NAMESPACE {

// Distance of two patches of `k` activations, as the scratch of the kernels has it.
inline int64_t int8_patch_bytes(int64_t k) {
  return 2 * ((k + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL);
}

// Copies the next windows, each to a patch.
void copy_patches(const Int8Geometry& g, Int8Windows windows, int64_t count,
                  int padding, uint8_t* patches);

}  // namespace TFN_NAMESPACE
