// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Products with packed weights, for each type that these are stored as.
#include "gemm/gemm.h"

using namespace TFN_NAMESPACE;

namespace {

template <typename W>
void multiply_packed(const void* params, const tfn_operands& o, tfn_part part) {
  const tfn_matmul& p = *(const tfn_matmul*)params;
  const Epilogue epilogue(p.epilogue, o);
  const ProductOf<W> product = {p.m,
                                p.n,
                                p.k,
                                {o.lhs, p.lhs.row_stride, p.lhs.col_stride},
                                {(const W*)o.rhs, TFN_PANEL, p.k * TFN_PANEL},
                                {o.out, p.out.row_stride, p.out.col_stride},
                                &epilogue,
                                0};
  multiply(product, part);
}

}  // namespace

void TFN_KERNEL(matmul_packed_f32)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  multiply_packed<float>(params, *operands, part);
}

void TFN_KERNEL(matmul_packed_f16)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  multiply_packed<Half>(params, *operands, part);
}

void TFN_KERNEL(matmul_packed_bf16)(const void* params, const tfn_operands* operands,
                                    tfn_part part) {
  multiply_packed<BFloat>(params, *operands, part);
}

void TFN_KERNEL(matmul_packed_s8)(const void* params, const tfn_operands* operands,
                                  tfn_part part) {
  multiply_packed<int8_t>(params, *operands, part);
}
