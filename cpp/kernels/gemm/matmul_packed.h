// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A product with packed weights, for files that instantiate it for one type of these.
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {
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
}  // namespace TFN_NAMESPACE
