// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "conv/convolve.h"

using namespace TFN_NAMESPACE;

void TFN_KERNEL(conv_f32)(const void* params, const tfn_operands* operands,
                          tfn_part part) {
  convolve<float>(params, *operands, part);
}
