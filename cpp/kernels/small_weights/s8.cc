// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Layers whose weights are whole numbers with a scale for each channel.
#include "conv/convolve.h"
#include "gemm/make_tiles.h"
#include "gemm/matmul_packed.h"
#include "gemm/multiply.h"

namespace TFN_NAMESPACE {

template Tile<int8_t>* find_tile<int8_t>(int rows, int vectors, bool unit_stride);
template StripTile<int8_t>* find_strip<int8_t>(int rows, int vectors);
template void multiply(const ProductOf<int8_t>& p, tfn_part part);

}  // namespace TFN_NAMESPACE

using namespace TFN_NAMESPACE;

void TFN_KERNEL(matmul_packed_s8)(const void* params, const tfn_operands* operands,
                                  tfn_part part) {
  multiply_packed<int8_t>(params, *operands, part);
}

void TFN_KERNEL(conv_s8)(const void* params, const tfn_operands* operands,
                         tfn_part part) {
  convolve<int8_t>(params, *operands, part);
}
