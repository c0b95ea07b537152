// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Layers whose weights are IEEE 754 binary16.
#include "conv/convolve.h"
#include "gemm/make_tiles.h"
#include "gemm/matmul_packed.h"
#include "gemm/multiply.h"

namespace TFN_NAMESPACE {

template Tile<Half>* find_tile<Half>(int rows, int vectors, bool unit_stride);
template StripTile<Half>* find_strip<Half>(int rows, int vectors);
template void multiply(const ProductOf<Half>& p, tfn_part part);

}  // namespace TFN_NAMESPACE

using namespace TFN_NAMESPACE;

void TFN_KERNEL(matmul_packed_f16)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  multiply_packed<Half>(params, *operands, part);
}

void TFN_KERNEL(conv_f16)(const void* params, const tfn_operands* operands,
                          tfn_part part) {
  convolve<Half>(params, *operands, part);
}
