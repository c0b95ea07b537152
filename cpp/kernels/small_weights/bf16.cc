// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Layers whose weights are the upper halves of floats.
#include "conv/convolve.h"
#include "gemm/make_tiles.h"
#include "gemm/matmul_packed.h"
#include "gemm/multiply.h"

namespace TFN_NAMESPACE {

template Tile<BFloat>* find_tile<BFloat>(int rows, int vectors, bool unit_stride);
template StripTile<BFloat>* find_strip<BFloat>(int rows, int vectors);
template void multiply(const ProductOf<BFloat>& p, tfn_part part);

}  // namespace TFN_NAMESPACE

using namespace TFN_NAMESPACE;

void TFN_KERNEL(matmul_packed_bf16)(const void* params, const tfn_operands* operands,
                                    tfn_part part) {
  multiply_packed<BFloat>(params, *operands, part);
}

void TFN_KERNEL(conv_bf16)(const void* params, const tfn_operands* operands,
                           tfn_part part) {
  convolve<BFloat>(params, *operands, part);
}
