// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/matmul_packed.h"

using namespace TFN_NAMESPACE;

void TFN_KERNEL(matmul_packed_f32)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  multiply_packed<float>(params, *operands, part);
}
