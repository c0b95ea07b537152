// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the kernel meets few elements in a row, as in a first layer with three
// channels, following pointers costs more than copying what they point at: the windows
// of a block of output pixels are copied together into rows of a matrix (im2col).
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {

// Whether copying pays, and a window is made of dense lines.
bool copies_patches(const tfn_conv& p);

// The convolution as a product of patches, a block of output pixels at a time. W: what
// weights are stored as.
template <typename W>
void convolve_patches(const tfn_conv& p, const tfn_operands& operands, tfn_part part);

}  // namespace TFN_NAMESPACE
