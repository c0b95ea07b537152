// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A vector times a matrix of which nothing was packed.
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {

// out(n) = left(k) * right(k, n), each sum with the bits that a tile would give it. An
// element of `left` and of `out` is its stride behind the one before.
void multiply_vector(int64_t n, int64_t k, const float* left, int64_t left_stride,
                     MatrixView<const float> right, float* out, int64_t out_stride);

}  // namespace TFN_NAMESPACE
